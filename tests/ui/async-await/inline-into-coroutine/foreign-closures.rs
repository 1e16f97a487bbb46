// An async closure of another crate that is consumed by its call has a body of its own, of which
// no attributes are recorded. It is not inlined: to ask for them was an internal error.

//@ run-pass
//@ edition: 2024
//@ aux-build: closures.rs
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level2 level3 levels
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=2
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[levels] compile-flags: -Zasync-returned-panic=no -Copt-level=s -Zinline-mir=yes

extern crate closures;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

async fn call(closure: impl AsyncFnOnce() -> u32) -> u32 {
    closure().await
}

async fn call_all() -> u32 {
    let here = call(closures::waits()).await + call(closures::is_ready()).await;
    here * 10 + closures::call(closures::waits()).await + closures::call(closures::is_ready()).await
}

fn main() {
    let mut future = pin!(call_all());
    let mut context = Context::from_waker(Waker::noop());
    let mut polls = 1;
    let answer = loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(answer) => break answer,
            Poll::Pending => polls += 1,
        }
    };
    assert_eq!((answer, polls), (77, 5));
}
