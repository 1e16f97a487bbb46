// A future whose body only computes from constants has no state: it answers every poll with the
// same value, and has no size. That is so however it is made, kept and polled.
//
// `not-replayable.rs`, `one-of-a-kind.rs` and `given-once.rs` are about the bodies that must not be
// run again.

//@ run-pass
//@ no-prefer-dynamic
//@ edition: 2024
//@ revisions: o1 o2 o3 os oz mir debug abort
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no
//@[o1] compile-flags: -Copt-level=1 -Coverflow-checks=off
//@[o2] compile-flags: -Copt-level=2 -Coverflow-checks=off
//@[o3] compile-flags: -Copt-level=3 -Coverflow-checks=off
//@[os] compile-flags: -Copt-level=s -Coverflow-checks=off
//@[oz] compile-flags: -Copt-level=z -Coverflow-checks=off
//@[mir] compile-flags: -Copt-level=0 -Zmir-opt-level=2 -Coverflow-checks=off
//@[debug] compile-flags: -Copt-level=1 -Cdebuginfo=2 -Coverflow-checks=off
//@[abort] compile-flags: -Copt-level=1 -Cpanic=abort -Coverflow-checks=off
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate polling;

use std::fmt::Debug;
use std::hint::black_box;
use std::mem::{self, ManuallyDrop};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use polling::{FOREVER, complete};

/// However often `future` is asked, it is ready with `output`.
#[track_caller]
fn check_polls<T: PartialEq + Debug>(
    mut future: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    output: T,
) {
    for _ in 0..FOREVER {
        assert_eq!(complete(future.as_mut(), 0), output);
    }
}

/// `future` is laid out as `closure` is, and answers what that returns.
#[track_caller]
fn check<T: PartialEq + Debug>(future: impl Future<Output = T>, closure: impl Fn() -> T) {
    assert_eq!(size_of_val(&future), size_of_val(&closure));
    assert_eq!(align_of_val(&future), align_of_val(&closure));
    check_polls(pin!(future), closure());
}

/// Checks an async block and a closure of the same body.
macro_rules! check_body {
    ($body:expr) => {
        check(async move { $body }, move || $body)
    };
}

fn no_captures() {
    async fn nothing() {}
    async fn parameter<const N: usize>() -> usize {
        N
    }
    assert_eq!(size_of_val(&nothing()), 0);
    assert_eq!(size_of_val(&async {}), 0);
    assert_eq!(size_of_val(&async { 5 }), 0);

    check(nothing(), || ());
    check(parameter::<7>(), || 7);
    check((async || 'c')(), || 'c');
    check_body!(());
    check_body!(5);
    check_body!([1.5; 3]);
    check_body!(if 1 < 2 { Some((1, 'a')) } else { None });
}

fn structures() {
    #[derive(Clone, Copy)]
    struct Point {
        x: i16,
        y: i64,
    }
    const POINT: Point = Point { x: 1, y: -2 };
    check_body!(POINT.x);
    check_body!({
        let copy = POINT;
        let other = Point { x: 3, ..copy };
        copy.y ^ other.x as i64
    });
    check_body!(match Some(POINT) {
        Some(Point { x: 1, y }) => y as u8 as char,
        _ => 'x',
    });
}

fn numbers() {
    check_body!(1_u8 as u32 + 2);
    check_body!((3.5 * 2.0, 1_u8, -1.5_f32 as i8));
    check_body!(!true | ('l' > 'a'));
    check_body!([1_u128 << 100, 3 & 2]);
    check_body!(matches!(Some(6_u8), None) as u8 | 1 == 1);
}

fn branches_and_loops() {
    check_body!({
        let (mut number, mut steps) = (27_u32, 0);
        while number != 1 {
            number = if number & 1 == 0 { number >> 1 } else { 3 * number + 1 };
            steps += 1;
        }
        steps
    });
}

/// What is awaited may have arguments, if these are constants.
fn awaits() {
    async fn sum(a: u8, b: u32) -> u32 {
        a as u32 + b
    }
    async fn five() -> u8 {
        5
    }
    check(async { five().await }, || 5);
    check(async { sum(1, 2).await ^ five().await as u32 }, || 6);
}

fn through_dyn() {
    let mut boxed: Vec<Pin<Box<dyn Future<Output = u32>>>> =
        vec![Box::pin(async { 2 + 3 }), Box::pin(async { 5 })];
    assert!(boxed.iter().all(|future| size_of_val(&**future) == 0));
    for future in &mut boxed {
        check_polls(future.as_mut(), 5);
    }

    let borrowed: Pin<&mut dyn Future<Output = u32>> = pin!(async { 4 });
    check_polls(borrowed, 4);
}

/// A future may be moved as long as it was not polled.
fn moved_and_kept() {
    let make = || async { (true, 2) };

    for future in [make(), make()] {
        check_polls(pin!(future), (true, 2));
    }
    let (mut one, mut two) = (make(), make());
    mem::swap(&mut one, &mut two);
    check_polls(Box::pin(one).as_mut(), (true, 2));
    check_polls(Box::pin(two).as_mut(), (true, 2));

    // What marks the absence of one is not taken for one, nor the other way round.
    let mut kept = black_box([Some(Some(make())), Some(None), None]);
    assert_eq!(
        kept.each_ref().map(|slot| slot.as_ref().map(Option::is_some)),
        [Some(true), Some(false), None]
    );
    check_polls(pin!(kept[0].take().unwrap().unwrap()), (true, 2));

    drop(make());
    let _never_dropped = ManuallyDrop::new(make());
    mem::forget(Box::pin(make()));
}

/// Polls both whenever it is polled, whatever they answered before.
struct Both<A, B>(Pin<Box<A>>, Pin<Box<B>>);

impl<A: Future, B: Future> Future for Both<A, B> {
    type Output = (A::Output, B::Output);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match (self.0.as_mut().poll(context), self.1.as_mut().poll(context)) {
            (Poll::Ready(a), Poll::Ready(b)) => Poll::Ready((a, b)),
            _ => Poll::Pending,
        }
    }
}

fn combined() {
    let both = Both(Box::pin(async { 3 }), Box::pin(async { 'c' }));
    check_polls(pin!(both), (3, 'c'));

    // The one that waits is polled twice, and so is the one that does not.
    let waits = Both(Box::pin(async { 3 }), Box::pin(polling::step("waits", 1)));
    assert_eq!(complete(pin!(waits), 1), (3, ()));
}

fn main() {
    no_captures();
    structures();
    numbers();
    branches_and_loops();
    awaits();
    through_dyn();
    moved_and_kept();
    combined();
}
