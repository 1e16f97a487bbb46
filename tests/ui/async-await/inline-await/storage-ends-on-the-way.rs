// A local whose storage ends before an awaitee is dropped has none behind that drop, either, once
// the awaitee is inlined: also where the drop panics.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no
//@ needs-unwind
//@ no-prefer-dynamic
//@ compile-flags: -Copt-level=2 -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no

use std::cell::Cell;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static DROPS: Cell<u32> = const { Cell::new(0) };
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

struct Value(u32);

impl Drop for Value {
    fn drop(&mut self) {
        DROPS.set(DROPS.get() * 10 + self.0);
        if self.0 == 7 && PANICS.get() {
            panic!("the drop of the awaitee");
        }
    }
}

#[inline(never)]
fn value(number: u32) -> Value {
    black_box(Value(number))
}

struct Slow(u32, #[allow(dead_code)] Value);

impl Future for Slow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        Poll::Pending
    }
}

trait Bus {
    async fn transfer(&mut self);
}

struct Wire;

impl Bus for Wire {
    async fn transfer(&mut self) {
        Slow(1, value(7)).await;
    }
}

async fn inner(bus: &mut impl Bus) {
    let mut place = [value(1), value(2)];
    Slow(1, value(8)).await;
    // Its address is taken, so its drop flags are not known everywhere.
    black_box(&raw mut place);
    let guard = value(3);
    let moved = place;
    value(4);
    bus.transfer().await;
    drop(guard);
    let [first, second] = moved;
    drop(black_box(second));
    drop(black_box(first));
}

async fn outer() {
    inner(&mut Wire).await;
}

/// Polls a future so often, and drops it. Returns the numbers of the values in the order in which
/// they are dropped.
fn drops(polls: u32, panics: bool) -> u32 {
    DROPS.set(0);
    PANICS.set(panics);
    let mut task = Box::pin(outer());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        let _ = task.as_mut().poll(&mut context);
    }
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(task)));
    assert_eq!(dropped.is_err(), panics);
    DROPS.get()
}

fn main() {
    assert_eq!(drops(0, false), 0);
    assert_eq!(drops(1, false), 812);
    assert_eq!(drops(2, false), 847_123);
    assert_eq!(drops(3, false), 847_321);
    assert_eq!(drops(2, true), drops(2, false));
}
