// A crate in which bodies have been taken in, and one that uses it, may be compiled with different
// settings. What was taken in refers to what is private there.

//@ run-pass
//@ edition: 2024
//@ aux-build: inlines.rs
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: default inlined abort debug
//@[inlined] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=z -Cpanic=abort
//@[default] compile-flags: -Copt-level=3

extern crate inlines;

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use inlines::{Bus, Device, Droppy};

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

async fn awaits_once() -> usize {
    inlines::once().await
}

async fn awaits_left_alone() -> usize {
    inlines::left_alone().await
}

/// The body of the other crate becomes part of one in this: there is one state.
fn is_taken_in() {
    let is_on = cfg!(any(inlined, abort));
    assert_eq!(size_of_val(&awaits_once()) == size_of_val(&inlines::once()), is_on);
    assert!(size_of_val(&awaits_left_alone()) > size_of_val(&inlines::left_alone()));
}

struct Fixed<'a>(usize, #[allow(dead_code)] Droppy<'a>);

impl Bus for Fixed<'_> {
    async fn read(&mut self) -> usize {
        inlines::left_alone().await;
        self.0
    }
}

async fn looks_up(index: usize, dropped: &Cell<usize>) -> usize {
    let number = inlines::through(Fixed(index, Droppy(dropped))).await;
    number + dropped.get()
}

fn panics_and_drops() {
    let dropped = Cell::new(0);
    assert_eq!(finish(looks_up(2, &dropped)).1, 7 + 1);
    assert_eq!(dropped.get(), 1);
    if cfg!(panic = "unwind") {
        dropped.set(0);
        let panic = catch_unwind(AssertUnwindSafe(|| finish(looks_up(3, &dropped))));
        assert!(panic.unwrap_err().downcast_ref::<String>().unwrap().contains("the len is 3"));
        assert_eq!(dropped.get(), 1);
    }
}

async fn awaits_holds(first: &Cell<usize>, second: &Cell<usize>) -> usize {
    let _last = Droppy(first);
    inlines::holds(Droppy(first), second).await + 5
}

fn is_cancelled() {
    let (first, second) = (Cell::new(0), Cell::new(0));
    assert_eq!(finish(awaits_holds(&first, &second)), (2, 5));
    assert_eq!((first.get(), second.get()), (11, 1));
    for polls in 0..2 {
        let (first, second) = (Cell::new(0), Cell::new(0));
        {
            let mut future = pin!(awaits_holds(&first, &second));
            for _ in 0..polls {
                let mut context = Context::from_waker(Waker::noop());
                assert!(future.as_mut().poll(&mut context).is_pending());
            }
        }
        let expected = [(0, 0), (11, 1)][polls];
        assert_eq!((first.get(), second.get()), expected);
    }
}

fn main() {
    is_taken_in();
    // The count goes 0, 1, 3, 4, 6.
    assert_eq!(finish(inlines::concrete()), (3, 1 + 3 + 4 + 6));
    // And 7, 9, 10, 12; 13, 15, 16, 18; 19, 21.
    let first = 7 + 9 + 10 + 12;
    let second = first + 13 + 15 + 16 + 18;
    assert_eq!(finish(drives()), (6, first + second + 19 + 21 + 1));
    panics_and_drops();
    is_cancelled();
}
