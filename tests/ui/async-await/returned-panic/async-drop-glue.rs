// The glue of `async_drop_in_place` is a future that the compiler writes, and that the drop of a
// coroutine polls. It answers as ever, with either setting: `Ready` again after completion, and a
// panic after a caught one.

//@ run-pass
//@ needs-unwind
//@ edition: 2024
//@ revisions: yes no no_o0
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@ aux-build: polling.rs

#![feature(async_drop)]

extern crate polling;

use std::future::{AsyncDrop, async_drop_in_place};
use std::mem::ManuallyDrop;
use std::pin::{Pin, pin};
use std::task::Poll;

use polling::{FOREVER, panic_message, poll_once, step, take_trace, trace};

struct Slow;

impl AsyncDrop for Slow {
    async fn drop(self: Pin<&mut Self>) {
        step("slow", 1).await;
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        unreachable!("dropped asynchronously");
    }
}

struct Breaks;

impl AsyncDrop for Breaks {
    async fn drop(self: Pin<&mut Self>) {
        step("breaks", 1).await;
        panic!("broken");
    }
}

impl Drop for Breaks {
    fn drop(&mut self) {
        unreachable!("dropped asynchronously");
    }
}

struct Plain;

impl Drop for Plain {
    fn drop(&mut self) {
        trace("drop plain");
    }
}

fn after_completion() {
    let mut value = ManuallyDrop::new((Slow, Plain));
    // SAFETY: `value` is dropped here only, and outlives the future.
    let mut glue = pin!(unsafe { async_drop_in_place(&mut *value) });
    assert_eq!(poll_once(glue.as_mut()), Poll::Pending);
    assert_eq!(poll_once(glue.as_mut()), Poll::Ready(()));
    assert_eq!(take_trace(), ["poll slow", "poll slow", "drop slow", "drop plain"]);
    for _ in 0..FOREVER {
        assert_eq!(poll_once(glue.as_mut()), Poll::Ready(()));
    }
    assert!(take_trace().is_empty());
}

fn after_panic() {
    let mut value = ManuallyDrop::new((Breaks, 0));
    // SAFETY: `value` is dropped here only, and outlives the future.
    let mut glue = pin!(unsafe { async_drop_in_place(&mut *value) });
    assert_eq!(poll_once(glue.as_mut()), Poll::Pending);
    assert_eq!(panic_message(|| poll_once(glue.as_mut())), "broken");
    take_trace();
    for _ in 0..3 {
        let message = panic_message(|| poll_once(glue.as_mut()));
        assert_eq!(message, "`async fn` resumed after panicking");
    }
    assert!(take_trace().is_empty());
}

fn main() {
    after_completion();
    after_panic();
}
