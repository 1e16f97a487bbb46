// What is wrong elsewhere in the crate is reported as ever, beside a future that contains itself.

//@ edition: 2024
//@ revisions: default elided
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[elided] compile-flags: -Zasync-returned-panic=no -Copt-level=3

async fn direct() -> u32 {
    //~^ ERROR recursion in an async fn requires boxing
    direct().await
}

async fn mistyped() -> u32 {
    "text"
    //~^ ERROR mismatched types
}

async fn awaits_mistyped() -> u32 {
    mistyped().await + direct().await
}

async fn borrows() -> &'static u32 {
    let local = awaits_mistyped().await;
    &local
    //~^ ERROR cannot return reference to local variable `local`
}

fn main() {}
