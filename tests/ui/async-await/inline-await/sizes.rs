// A future is no larger for being written as several: nothing is stored once where it comes from
// and again where it goes to, and there is one state, not one in another.

//@ run-pass
//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Zvalidate-mir -Zlint-mir
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate polling;

use std::future::Future;
use std::hint::black_box;

use polling::{finish, once};

macro_rules! chain {
    ($first:ident $second:ident $($rest:ident)*) => {
        async fn $first(number: u64) -> u64 {
            $second(number).await + 1
        }

        chain!($second $($rest)*);
    };
    ($last:ident) => {
        async fn $last(number: u64) -> u64 {
            once().await;
            number
        }
    };
}

chain!(
    f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 last
);

async fn takes(array: [u8; 1000]) -> u8 {
    once().await;
    black_box(&array)[7]
}

async fn hands_on(array: [u8; 1000]) -> u8 {
    takes(array).await
}

async fn makes() -> u8 {
    hands_on([3; 1000]).await
}

async fn three_times(number: u64) -> u64 {
    last(number).await + last(number + 1).await + last(number + 2).await
}

async fn in_arms(number: u64) -> u64 {
    match number % 3 {
        0 => last(1).await,
        1 => last(2).await,
        _ => last(3).await,
    }
}

#[allow(async_fn_in_trait)]
trait Read {
    async fn read(&mut self) -> u64;
}

struct Device(u64);

impl Read for Device {
    async fn read(&mut self) -> u64 {
        once().await;
        self.0
    }
}

impl<T: Read> Read for &mut T {
    async fn read(&mut self) -> u64 {
        T::read(self).await
    }
}

async fn drives<T: Read>(mut bus: T) -> u64 {
    bus.read().await
}

async fn forwards() -> u64 {
    drives(&mut &mut Device(5)).await
}

fn stores(number: &mut u64) -> impl Future<Output = ()> {
    async move {
        *number = last(1).await;
    }
}

async fn waits_and_stores() -> u8 {
    let answer = makes().await;
    stores(&mut 0).await;
    answer
}

/// The block is made, kept behind an await, and awaited then.
async fn keeps() -> u8 {
    let array = [black_box(3); 1000];
    let block = async move {
        once().await;
        black_box(&array)[7]
    };
    once().await;
    block.await
}

#[derive(Clone, Copy)]
struct Frame([u8; 100]);

fn done(frame: Frame) -> u8 {
    black_box(frame).0[1]
}

/// A copy may be the last use as well as a move.
async fn copies() -> u8 {
    let one = Frame([black_box(1); 100]);
    once().await;
    let sum = done(one);
    let other = Frame([black_box(2); 100]);
    once().await;
    sum + done(other)
}

fn main() {
    // The number, `Once`, and the state.
    assert_eq!(size_of_val(&last(1)), 16);
    assert_eq!(size_of_val(&f0(1)), 16);
    assert_eq!(finish(f0(1)), 21);

    // The array once.
    assert!(size_of_val(&makes()) < 1020, "{}", size_of_val(&makes()));
    assert!(size_of_val(&hands_on([0; 1000])) < 1020, "{}", size_of_val(&hands_on([0; 1000])));
    assert_eq!(finish(makes()), 3);

    assert!(size_of_val(&keeps()) < 1020, "{}", size_of_val(&keeps()));
    assert_eq!(finish(keeps()), 3);

    assert!(size_of_val(&copies()) < 120, "{}", size_of_val(&copies()));
    assert_eq!(finish(copies()), 3);

    // The number and what it is a copy of, the sum, and what each await has.
    assert!(size_of_val(&three_times(1)) <= 40, "{}", size_of_val(&three_times(1)));
    assert_eq!(finish(three_times(1)), 6);
    // If the arms share an await, which of their numbers it is has to be kept, too.
    assert!(size_of_val(&in_arms(1)) <= 24, "{}", size_of_val(&in_arms(1)));
    assert_eq!(finish(in_arms(1)), 2);

    // Of the two references to references neither has a machine of its own.
    assert!(size_of_val(&forwards()) <= 40, "{}", size_of_val(&forwards()));
    assert_eq!(finish(forwards()), 5);

    // The reference that is written through shares its place with the array.
    assert!(size_of_val(&waits_and_stores()) <= size_of_val(&makes()).next_multiple_of(8));
    assert_eq!(finish(waits_and_stores()), 3);
}
