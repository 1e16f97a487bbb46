// How deep futures may nest does not depend on whether what they await is inlined.

//@ edition: 2024
//@ revisions: yes no
//@ compile-flags: -Copt-level=s -Cpanic=abort
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no

//~? ERROR queries overflow the depth limit!

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
    ($innermost:ident) => {
        pub async fn $innermost(n: u32) -> u32 {
            std::future::pending::<()>().await;
            n
        }
    };
}

nested! {
    f40 f39 f38 f37 f36 f35 f34 f33 f32 f31
    f30 f29 f28 f27 f26 f25 f24 f23 f22 f21 f20 f19 f18 f17 f16 f15
    f14 f13 f12 f11 f10 f9 f8 f7 f6 f5 f4 f3 f2 f1 f0
}
