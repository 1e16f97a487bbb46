//[yes,no]~ ERROR queries overflow the depth limit!

// How deep futures may nest does not depend on whether what they await is inlined.

//@ edition: 2024
//@ revisions: yes no shorter_yes shorter_no
//@ compile-flags: -Copt-level=s -Cpanic=abort
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no
//@[shorter_yes] check-pass
//@[shorter_yes] compile-flags: -Zasync-returned-panic=yes
//@[shorter_no] check-pass
//@[shorter_no] compile-flags: -Zasync-returned-panic=no

#![recursion_limit = "128"]
#![crate_type = "lib"]

async fn never_waits() {}

/// The outermost first, so that no layout is known yet when it is needed.
macro_rules! nested {
    ($outer:ident $inner:ident $($rest:ident)*) => {
        pub async fn $outer(n: u32) -> u32 {
            let inner = $inner(n + 1);
            never_waits().await;
            inner.await
        }
        nested! { $inner $($rest)* }
    };
    ($innermost:ident) => {};
}

#[cfg(any(yes, no))]
nested! { f31 f30 }

nested! {
    f30 f29 f28 f27 f26 f25 f24 f23 f22 f21 f20 f19 f18 f17 f16 f15
    f14 f13 f12 f11 f10 f9 f8 f7 f6 f5 f4 f3 f2 f1 f0
}

pub async fn f0(n: u32) -> u32 {
    std::future::pending::<()>().await;
    n
}
