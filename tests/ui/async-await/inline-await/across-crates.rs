// A crate in which bodies have been taken in, and one that uses it, may be compiled with different
// settings. What was taken in refers to what is private there.

//@ run-pass
//@ edition: 2024
//@ aux-build: inlines.rs
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: default inlined debug
//@[inlined] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[default] compile-flags: -Copt-level=3

extern crate inlines;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use inlines::{Bus, Device};

struct Counter(usize);

impl Bus for Counter {
    async fn read(&mut self) -> usize {
        self.0 += inlines::concrete().await;
        self.0
    }
}

fn finish<F: Future<Output = usize>>(future: F) -> (usize, usize) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for polls in 1.. {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return (polls, answer);
        }
    }
    unreachable!()
}

async fn drives() -> usize {
    let mut counter = Counter(0);
    Device(&mut &mut counter).get().await
}

fn main() {
    // The count goes 0, 1, 3, 4, 6.
    assert_eq!(finish(inlines::concrete()), (3, 1 + 3 + 4 + 6));
    // And 7, 9, 10, 12; 13, 15, 16, 18; 19, 21.
    let first = 7 + 9 + 10 + 12;
    let second = first + 13 + 15 + 16 + 18;
    assert_eq!(finish(drives()), (6, first + second + 19 + 21 + 1));
}
