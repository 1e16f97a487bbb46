// A constant that cannot be evaluated is reported with all that is said of it by the optimizer when
// it comes to the body that uses it, although no layout asks for the optimized body any more.

//@ edition: 2024
//@ revisions: yes no
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Copt-level=3 -Zdeduplicate-diagnostics=yes
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no

const OVERFLOWS: u8 = {
    let largest = 255_u8;
    largest + 1
    //~^ ERROR attempt to compute `u8::MAX + 1_u8`, which would overflow
    //~| NOTE evaluation of `OVERFLOWS` failed here
    //~| NOTE erroneous constant encountered
};

async fn leaf() -> u8 {
    OVERFLOWS
}

async fn root() -> u8 {
    leaf().await
}

fn main() {
    drop(root());
}
