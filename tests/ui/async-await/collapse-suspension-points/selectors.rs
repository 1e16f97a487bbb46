// What tells merged awaits apart makes no future larger, however many of them are around each
// other: the state says it. What a merged body does is tested in behaviour.rs.

//@ run-pass
//@ only-64bit
//@ edition: 2024
//@ aux-build: ../../returned-panic/auxiliary/polling.rs
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off levels levelz abort unwind
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=z
//@[levels] compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=z -Cpanic=abort
//@[unwind] compile-flags: -Zasync-returned-panic=no -Copt-level=3

extern crate polling;

use std::cell::Cell;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};

thread_local! {
    static POLLS: Cell<usize> = const { Cell::new(0) };
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// Pending every other time, without a state of its own.
struct Wait;

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let polls = POLLS.get() + 1;
        POLLS.set(polls);
        if polls % 2 == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Appends a digit.
fn step<const DIGIT: u64>() {
    STEPS.set(STEPS.get().wrapping_mul(10).wrapping_add(DIGIT));
}

async fn nothing_saved() {
    step::<1>();
    Wait.await;
    step::<2>();
    Wait.await;
    step::<3>();
    Wait.await;
    step::<4>();
}

/// Saves nothing but what it awaits, in functions that are not inlined and in others.
macro_rules! around_it {
    ($name:ident, $inner:expr $(, #[$attribute:meta])?) => {
        $(#[$attribute])?
        async fn $name() {
            step::<5>();
            $inner.await;
            step::<6>();
            $inner.await;
            step::<7>();
        }
    };
}

around_it!(around_one, nothing_saved(), #[inline(never)]);
around_it!(around_two, around_one(), #[inline(never)]);
around_it!(around_one_inlined, nothing_saved());
around_it!(around_two_inlined, around_one_inlined());

/// Is full to its last byte.
macro_rules! full {
    ($name:ident, $inner:expr) => {
        async fn $name() {
            let bytes = [1u8; 7];
            let borrowed = &bytes;
            step::<1>();
            $inner.await;
            step::<2>();
            $inner.await;
            step::<3>();
            $inner.await;
            step::<4>();
            $inner.await;
            black_box(borrowed);
        }
    };
}

full!(full_one, Wait);
full!(full_two, full_one());
full!(full_three, full_two());
full!(full_four, full_three());
full!(full_five, full_four());

/// Runs the future, and says how many polls it took, and in which order it did what.
fn run(future: impl Future<Output = ()>) -> (usize, u64) {
    POLLS.set(0);
    STEPS.set(0);
    polling::finish(future);
    (POLLS.get(), STEPS.get())
}

fn main() {
    let sizes = [
        (size_of_val(&nothing_saved()), 1),
        (size_of_val(&around_one()), 2),
        (size_of_val(&around_two()), 3),
        (size_of_val(&around_one_inlined()), 2),
        (size_of_val(&around_two_inlined()), 3),
        (size_of_val(&full_one()), 16),
        (size_of_val(&full_two()), 32),
        (size_of_val(&full_three()), 48),
        (size_of_val(&full_four()), 64),
        (size_of_val(&full_five()), 80),
    ];
    for (index, (size, before)) in sizes.into_iter().enumerate() {
        assert!(size <= before, "future {index} is {size}, and not {before}");
        assert!(!cfg!(off) || size == before, "future {index} is {size} with the flag off");
    }

    assert_eq!(run(nothing_saved()), (6, 1234));
    assert_eq!(run(around_one()), (12, 51234612347));
    assert_eq!(run(around_one_inlined()), (12, 51234612347));
    assert_eq!(run(around_two()), run(around_two_inlined()));
    assert_eq!(run(around_two()).0, 24);
    assert_eq!(run(full_one()), (8, 1234));
    assert_eq!(run(full_two()), (32, 11234212343123441234));
    assert_eq!(run(full_five()).0, 8 * 4 * 4 * 4 * 4);
}
