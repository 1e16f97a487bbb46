// The flag chooses what a finished future answers, and is no optimization: `#[optimize(none)]`
// does not bring the panics back.

//@ run-pass
//@ needs-unwind
//@ edition: 2024
//@ revisions: o0 o3
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no
//@[o0] compile-flags: -Copt-level=0
//@[o3] compile-flags: -Copt-level=3
//@ aux-build: polling.rs

#![feature(optimize_attribute, stmt_expr_attributes)]

extern crate polling;

use std::pin::pin;

use polling::{assert_pending_forever, complete, panic_message, poll_once, step};

#[optimize(none)]
async fn finishes() {
    step("await", 1).await;
}

#[optimize(none)]
async fn breaks() {
    step("await", 1).await;
    panic!("broken");
}

fn main() {
    let mut future = pin!(finishes());
    complete(future.as_mut(), 1);
    assert_pending_forever(future);

    let mut future = pin!(breaks());
    assert!(poll_once(future.as_mut()).is_pending());
    assert_eq!(panic_message(|| poll_once(future.as_mut())), "broken");
    assert_pending_forever(future);

    let closure = #[optimize(none)]
    async || step("await", 1).await;
    let mut future = pin!(closure());
    complete(future.as_mut(), 1);
    assert_pending_forever(future);
}
