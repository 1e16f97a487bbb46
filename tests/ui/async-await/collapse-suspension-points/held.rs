// What one of several awaits holds is not held in the states behind the others, if they are merged.

//@ run-pass
//@ only-64bit
//@ edition: 2024
//@ aux-build: ../../returned-panic/auxiliary/polling.rs
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off levels levelz abort
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=s
//@[levels] compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=s -Cpanic=abort

extern crate polling;

use std::cell::Cell;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

thread_local! {
    static POLLS: Cell<usize> = const { Cell::new(0) };
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// Appends a digit.
#[inline(never)]
fn step(digit: u64) {
    STEPS.set(STEPS.get().wrapping_mul(10).wrapping_add(digit));
}

/// Pending every other time. Its drop is a step.
struct Wait([u64; 8], Tracked);

struct Tracked;

impl Drop for Tracked {
    #[inline(never)]
    fn drop(&mut self) {
        step(9);
    }
}

impl Future for Wait {
    type Output = ();

    #[inline(never)]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let polls = POLLS.get() + 1;
        POLLS.set(polls);
        if polls % 2 == 0 {
            step(self.0[7]);
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

fn wait(digit: u64) -> Wait {
    Wait([digit; 8], Tracked)
}

/// The first two awaits hold no more than is held at the first. But if they were merged, the third
/// would hold what the second has moved.
async fn held_and_awaited() {
    let held = wait(2);
    wait(1).await;
    held.await;
    let other = wait(3);
    wait(4).await;
    black_box(&other);
}

async fn held_and_dropped() {
    let held = wait(2);
    wait(1).await;
    drop(held);
    let other = wait(3);
    wait(4).await;
    drop(other);
}

async fn short() {
    wait(1).await;
}

/// The same with futures of the compiler, and it holds two after each other.
async fn held_twice() {
    let held = short();
    short().await;
    held.await;
    let held = short();
    short().await;
    held.await;
    step(2);
}

/// Runs the future, and says how many polls it took, and in which order it did what.
fn run(future: impl Future<Output = ()>) -> (usize, u64) {
    POLLS.set(0);
    STEPS.set(0);
    polling::finish(future);
    (POLLS.get(), STEPS.get())
}

/// What it did when it was dropped after so many polls.
fn cancelled(future: impl Future<Output = ()>, polls: usize) -> u64 {
    POLLS.set(0);
    STEPS.set(0);
    {
        let mut future = pin!(future);
        (0..polls).for_each(|_| assert!(polling::poll_once(future.as_mut()).is_pending()));
    }
    STEPS.get()
}

fn main() {
    let sizes = [
        (size_of_val(&held_and_awaited()), 136),
        (size_of_val(&held_and_dropped()), 136),
        (size_of_val(&held_twice()), 152),
    ];
    for (index, (size, before)) in sizes.into_iter().enumerate() {
        assert!(size <= before, "future {index} is {size}, and not {before}");
        assert!(!cfg!(off) || size == before, "future {index} is {size} with the flag off");
    }

    assert_eq!(run(held_and_awaited()), (6, 1_929_499));
    assert_eq!(run(held_and_dropped()), (4, 199_499));
    assert_eq!(run(held_twice()), (8, 191_919_192));
    for (polls, steps) in [(1, 99), (2, 199), (3, 192_999)] {
        assert_eq!(cancelled(held_and_awaited(), polls), steps);
    }
    for (polls, steps) in [(1, 99), (2, 19_999)] {
        assert_eq!(cancelled(held_and_dropped(), polls), steps);
    }
}
