// An argument that an inlined async fn moves on behind an await, to a local that it borrows, is
// saved once. It is dropped when it would be otherwise, and keeps its value until it moves.

//@ run-pass
//@ only-64bit
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level2 level3 levels levelz debuginfo abort zabort all
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=2
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[levels] compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[debuginfo] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -g
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Cpanic=abort
//@[zabort] compile-flags: -Zasync-returned-panic=no -Copt-level=z -Cpanic=abort
//@[all] compile-flags: -Zasync-returned-panic=no-at-all-levels
//@ aux-build: ../../upvars-in-place/auxiliary/drops.rs
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate drops;
extern crate polling;

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use drops::{event, run, take_events};
use polling::{finish, once};

struct Droppy(u32, [u32; 63]);

impl Droppy {
    fn new(number: u32) -> Self {
        Droppy(number, [number; 63])
    }
}

impl Drop for Droppy {
    fn drop(&mut self) {
        assert_eq!(self.1, [self.0; 63]);
        event(self.0);
    }
}

#[inline(never)]
fn touch(droppy: &mut Droppy) -> u32 {
    black_box(droppy).0
}

/// What a combinator does: it waits, and then polls what it was passed.
async fn after<F: Future<Output = u32>>(future: F) -> u32 {
    once().await;
    pin!(future).await
}

async fn combined() -> u32 {
    let blob = black_box([1; 256]);
    after(after(after(async move {
        once().await;
        blob.iter().sum()
    })))
    .await
}

async fn moves_on(first: Droppy) -> u32 {
    once().await;
    let mut second = first;
    touch(&mut second);
    once().await;
    touch(&mut second)
}

/// It moves on to two locals in turn, and the second gets a new value.
async fn replaces(first: Droppy) -> u32 {
    once().await;
    let second = first;
    let mut third = second;
    once().await;
    touch(&mut third);
    third = Droppy::new(9);
    once().await;
    touch(&mut third)
}

/// The storage of what it moves to ends on a way on which nothing moves. What comes behind must not
/// take its place.
async fn moves_on_one_way(first: Droppy, moves: bool) -> u32 {
    once().await;
    {
        let mut second;
        if black_box(moves) {
            second = first;
            once().await;
            return touch(&mut second);
        }
    }
    let mut other = Droppy::new(7);
    touch(&mut other);
    once().await;
    touch(&mut other)
}

/// The same in a loop.
async fn moves_when_it_leaves(first: Droppy) -> u32 {
    let mut number = 0;
    loop {
        let mut second;
        {
            let mut other = Droppy::new(8);
            once().await;
            number += 1;
            touch(&mut other);
        }
        if number == 2 {
            second = first;
            once().await;
            break touch(&mut second);
        }
    }
}

/// What it moves to ends before the body does.
async fn ends_early(first: Droppy) -> u32 {
    once().await;
    let number = {
        let mut second = first;
        once().await;
        touch(&mut second)
    };
    let mut other = Droppy::new(6);
    once().await;
    number + touch(&mut other)
}

/// What it moves to ends behind a place that is also reached without the move.
async fn ends_behind_a_join(first: [u32; 64], moves: bool) -> u32 {
    {
        let mut second;
        if black_box(moves) {
            second = first;
            black_box(&mut second);
            once().await;
            black_box(&mut second);
        }
    }
    let mut other = black_box([7; 64]);
    black_box(&mut other);
    once().await;
    black_box(&mut other)[63]
}

/// The argument is mentioned where it has been moved, and the scope of what it moved to has ended.
async fn mentions(first: [u32; 64], droppy: Droppy) -> u32 {
    {
        let mut second = first;
        let mut moved = droppy;
        once().await;
        black_box(&mut second);
        touch(&mut moved);
    }
    let _ = first;
    let _ = droppy;
    match first {
        _ => 5,
    }
}

/// Each is moved in another arm, and none is saved before that.
async fn in_arms(first: [u32; 64], second: [u32; 64], third: [u32; 64], arm: u32) -> u32 {
    let (mut one, mut two, mut three);
    match black_box(arm) {
        0 => {
            one = first;
            black_box(&mut one);
            once().await;
            black_box(&mut one)[63]
        }
        1 => {
            two = second;
            black_box(&mut two);
            once().await;
            black_box(&mut two)[63]
        }
        _ => {
            three = third;
            black_box(&mut three);
            once().await;
            black_box(&mut three)[63]
        }
    }
}

/// Two arguments, each of which is moved on to what has the name of the other.
async fn crosswise(first: Droppy, second: Droppy) -> u32 {
    once().await;
    let (mut second, mut first) = (first, second);
    once().await;
    touch(&mut first) * 10 + touch(&mut second)
}

async fn panics(first: Droppy, panics: bool) -> u32 {
    once().await;
    let mut second = first;
    touch(&mut second);
    once().await;
    if black_box(panics) {
        panic!("behind an await");
    }
    touch(&mut second)
}

fn main() {
    let all = |number: u32| 4 * 64 * number as usize;
    for (size, most) in [
        // Each combinator adds its state, and perhaps what it awaits first.
        (size_of_val(&combined()), all(4) + 48),
        (size_of_val(&async { moves_on(Droppy::new(1)).await }), all(1) + 16),
        (size_of_val(&async { replaces(Droppy::new(1)).await }), all(2) + 16),
        (size_of_val(&async { moves_when_it_leaves(Droppy::new(1)).await }), all(2) + 16),
        (size_of_val(&async { ends_early(Droppy::new(1)).await }), all(1) + 16),
        (size_of_val(&async { ends_behind_a_join([1; 64], true).await }), all(1) + 16),
        (size_of_val(&async { in_arms([1; 64], [2; 64], [3; 64], 1).await }), all(3) + 16),
        (size_of_val(&async { panics(Droppy::new(1), false).await }), all(1) + 24),
    ] {
        assert_eq!(size > most, cfg!(off), "{size} instead of {most}");
    }

    assert_eq!(finish(combined()), 256);
    assert_eq!(
        run(|| async { moves_on(Droppy::new(1)).await }),
        [(None, vec![]), (None, vec![1]), (None, vec![1]), (Some(1), vec![1])]
    );
    assert_eq!(
        run(|| async { replaces(Droppy::new(1)).await }),
        [
            (None, vec![]),
            (None, vec![1]),
            (None, vec![1]),
            (None, vec![1, 9]),
            (Some(9), vec![1, 9]),
        ]
    );
    assert_eq!(
        run(|| async { moves_on_one_way(Droppy::new(1), true).await }),
        [(None, vec![]), (None, vec![1]), (None, vec![1]), (Some(1), vec![1])]
    );
    assert_eq!(
        run(|| async { moves_on_one_way(Droppy::new(1), false).await }),
        [(None, vec![]), (None, vec![1]), (None, vec![7, 1]), (Some(7), vec![7, 1])]
    );
    assert_eq!(
        run(|| async { moves_when_it_leaves(Droppy::new(1)).await }),
        [
            (None, vec![]),
            (None, vec![8, 1]),
            (None, vec![8, 8, 1]),
            (None, vec![8, 8, 1]),
            (Some(1), vec![8, 8, 1]),
        ]
    );
    assert_eq!(
        run(|| async { ends_early(Droppy::new(1)).await }),
        [
            (None, vec![]),
            (None, vec![1]),
            (None, vec![1]),
            (None, vec![1, 6]),
            (Some(7), vec![1, 6]),
        ]
    );
    for arm in 0..3 {
        assert_eq!(finish(async { in_arms([1; 64], [2; 64], [3; 64], arm).await }), arm + 1);
    }
    for moves in [true, false] {
        assert_eq!(finish(async { ends_behind_a_join([1; 64], moves).await }), 7);
    }
    assert_eq!(
        run(|| async { mentions([1; 64], Droppy::new(1)).await }),
        [(None, vec![]), (None, vec![1]), (Some(5), vec![1])]
    );
    assert_eq!(
        run(|| async { crosswise(Droppy::new(1), Droppy::new(2)).await }),
        [
            (None, vec![]),
            (None, vec![2, 1]),
            (None, vec![2, 1]),
            (Some(21), vec![2, 1]),
        ]
    );
    if cfg!(panic = "unwind") {
        let mut future = Box::pin(async { panics(Droppy::new(1), true).await });
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..2 {
            assert!(future.as_mut().poll(&mut context).is_pending());
        }
        take_events();
        let poll = || future.as_mut().poll(&mut context);
        assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
        assert_eq!(take_events(), [1]);
        drop(future);
        assert_eq!(take_events(), []);
    }
}
