// Whether a generic body waits may be up to what it is instantiated with. Each instance waits, and
// drops what it holds when it is dropped while it does, as its own awaitees tell, in one program
// with the others: there is one expected trace for each, with either setting.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate polling;

use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use polling::{Traced, complete, poll_once, step, take_trace, trace};

/// `make` gives a future that is ready after as many times `Pending` as `dropped` has entries, and
/// which drops those of them if it is dropped there.
#[track_caller]
fn check<F: Future<Output = u32>>(make: impl Fn() -> F, output: u32, dropped: &[&[&str]]) {
    assert_eq!(complete(pin!(make()), dropped.len()), output);
    for (nth, expected) in dropped.iter().enumerate() {
        let mut future = Box::pin(make());
        for _ in 0..=nth {
            assert!(poll_once(future.as_mut()).is_pending());
        }
        take_trace();
        drop(future);
        assert_eq!(take_trace(), *expected, "dropped at {nth}");
    }
}

trait Device {
    const NAME: &str;

    async fn read(&mut self) -> u32;

    /// Waits if `read` does.
    async fn read_twice(&mut self) -> u32 {
        self.read().await + self.read().await
    }
}

/// It never waits.
struct Memory(u32);

impl Device for Memory {
    const NAME: &str = "memory";

    async fn read(&mut self) -> u32 {
        trace("memory is read");
        self.0
    }
}

/// It waits whenever it is read.
struct Bus(u32);

impl Device for Bus {
    const NAME: &str = "bus";

    async fn read(&mut self) -> u32 {
        step("bus", 1).await;
        self.0
    }
}

/// It waits or not as the other one does.
struct Cached<D>(D);

impl<D: Device> Device for Cached<D> {
    const NAME: &str = "cached";

    async fn read(&mut self) -> u32 {
        self.0.read().await
    }
}

async fn add<A: Device, B: Device>(mut a: A, mut b: B) -> u32 {
    let _first = Traced(A::NAME);
    let sum = a.read().await;
    let _second = Traced(B::NAME);
    sum + b.read().await
}

fn by_trait() {
    check(|| add(Memory(1), Memory(2)), 3, &[]);
    check(|| add(Memory(1), Bus(2)), 3, &[&["drop bus", "drop bus", "drop memory"]]);
    check(|| add(Bus(1), Memory(2)), 3, &[&["drop bus", "drop bus"]]);
    let both: [&[_]; 2] = [&["drop bus", "drop bus"], &["drop bus", "drop bus", "drop bus"]];
    check(|| add(Bus(1), Bus(2)), 3, &both);

    check(|| add(Cached(Memory(1)), Cached(Cached(Memory(2)))), 3, &[]);
    check(|| add(Memory(1), Cached(Bus(2))), 3, &[&["drop bus", "drop cached", "drop memory"]]);
    check(async || Memory(1).read_twice().await, 2, &[]);
    check(async || Cached(Bus(1)).read_twice().await, 2, &[&["drop bus"], &["drop bus"]]);
}

/// Awaits what it is given, between two locals.
async fn through<F: Future>(future: F) -> F::Output {
    let _before = Traced("before");
    let output = future.await;
    let _after = Traced("after");
    output
}

async fn at_once<T>(output: T) -> T {
    output
}

async fn waits<T>(output: T) -> T {
    step("step", 1).await;
    output
}

/// Of which type it is ready or not is up to its parameter.
struct ReadyIf<W>(u32, PhantomData<fn() -> W>);

impl<W> Future for ReadyIf<W> {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        if size_of::<W>() > 0 && self.0 > 0 {
            self.0 -= 1;
            return Poll::Pending;
        }
        Poll::Ready(self.0)
    }
}

fn by_future() {
    check(|| through(at_once(1)), 1, &[]);
    check(|| through(async { 1 }), 1, &[]);
    check(|| through(std::future::ready(1)), 1, &[]);
    check(|| through(through(through(at_once(1)))), 1, &[]);
    check(|| through(waits(1)), 1, &[&["drop step", "drop before"]]);
    check(|| through(through(waits(1))), 1, &[&["drop step", "drop before", "drop before"]]);

    check(|| through(ReadyIf::<()>(1, PhantomData)), 1, &[]);
    check(|| through(ReadyIf::<u8>(1, PhantomData)), 0, &[&["drop before"]]);

    let boxed = |future| -> Pin<Box<dyn Future<Output = u32>>> { future };
    check(|| through(boxed(Box::pin(at_once(1)))), 1, &[]);
    check(|| through(boxed(Box::pin(waits(1)))), 1, &[&["drop step", "drop before"]]);
}

fn by_closure() {
    /// Whose future is of another type for each lifetime.
    async fn call(f: impl AsyncFn(&u32, &mut u32) -> u32) -> u32 {
        let _before = Traced("before");
        let mut calls = 0;
        let sum = f(&1, &mut calls).await + f(&2, &mut calls).await;
        sum + calls
    }
    async fn consume<T>(output: T, f: impl AsyncFnOnce(T) -> T) -> T {
        let _before = Traced("before");
        f(output).await
    }

    let adds = async |n: &u32, calls: &mut u32| {
        *calls += 1;
        *n
    };
    check(|| call(adds), 5, &[]);
    let expected: &[_] = &["drop step", "drop before"];
    check(|| call(async |n: &u32, _: &mut u32| waits(*n).await), 3, &[expected, expected]);
    check(|| consume(1, async |n| n + 1), 2, &[]);
    check(|| consume(1, async |n| waits(n).await + 1), 2, &[expected]);
}

/// One type awaits as many as the array has elements, another one none.
fn by_constant() {
    async fn sum<const N: usize, F: Future<Output = u32>>(futures: [F; N]) -> u32 {
        let mut sum = 0;
        for future in futures {
            sum += future.await;
        }
        sum
    }
    check(|| sum::<0, std::future::Pending<u32>>([]), 0, &[]);
    check(|| sum([at_once(1), at_once(2)]), 3, &[]);
    check(|| sum([waits(1), waits(2)]), 3, &[&["drop step"], &["drop step"]]);
}

fn main() {
    by_trait();
    by_future();
    by_closure();
    by_constant();
}
