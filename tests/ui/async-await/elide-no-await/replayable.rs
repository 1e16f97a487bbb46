// A future whose body only computes has no state: it answers every poll with the same value, and
// is as large as a closure that captures the same. That is so however it is made, kept and polled.
//
// `not-replayable.rs` and `one-of-a-kind.rs` are about the bodies that must not be run again.

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
//@[abort] compile-flags: -Copt-level=1 -Cpanic=abort -Coverflow-checks=on
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![feature(async_fn_traits)]

extern crate polling;

use std::fmt::Debug;
use std::hint::black_box;
use std::mem::{self, ManuallyDrop};
use std::num::NonZero;
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
    check_body!("text");
    check_body!(if 1 < 2 { Some((1, 'a')) } else { None });
}

fn captures() {
    let (byte, word, float) = black_box((1_u8, 2_u32, 3.5_f64));
    check_body!(byte);
    check_body!(byte as u32 + word);
    check_body!((float * 2.0, byte, word));
    check_body!(float as u8 ^ byte);

    let (flag, letter, wide) = black_box((true, 'l', 1_u128 << 100));
    check_body!(flag);
    check_body!(!flag | (letter > 'a'));
    check_body!((letter, wide, byte));

    let (array, tuple) = black_box(([1_u16, 2, 3], (4_u8, (5_u64, false))));
    check_body!(array);
    check_body!(tuple);
    check_body!((tuple.1, array));

    let (some, nonzero) = black_box((Some(6_u8), NonZero::new(7_u32)));
    check_body!(some);
    check_body!((nonzero, byte));
    check_body!(match some {
        Some(byte) => byte,
        None => 0,
    });

    let pointer = black_box(&raw const byte);
    let wide_pointer = black_box(&raw const array as *const [u16]);
    let function: fn(u8) -> u32 = black_box(u32::from);
    check_body!((pointer, word));
    check_body!(wide_pointer);
    check_body!((function as *const (), byte));
}

fn structures() {
    #[derive(Clone, Copy)]
    struct Point {
        x: i16,
        y: i64,
    }
    let point = black_box(Point { x: 1, y: -2 });
    check_body!(point.x);
    check_body!({
        let copy = point;
        copy.y ^ copy.x as i64
    });
}

fn branches_and_loops() {
    let start = black_box(27_u32);
    check_body!({
        let (mut number, mut steps) = (start, 0);
        while number != 1 {
            number = if number & 1 == 0 { number >> 1 } else { 3 * number + 1 };
            steps += 1;
        }
        steps
    });
}

/// A closure that captures what it is given, and nothing else.
fn capture<T: Copy, O>(captured: T, output: impl Fn(T) -> O) -> impl Fn() -> O {
    move || output(captured)
}

async fn sum(a: u8, b: u32) -> u32 {
    a as u32 + b
}

/// An argument is a capture, used or not.
fn arguments() {
    async fn unused(_: u64, _unused: u8) -> u8 {
        5
    }
    async fn pattern((a, _): (u32, u64), [b, ..]: [u32; 3]) -> u32 {
        a ^ b
    }

    let (a, b) = black_box((1, 2));
    check(sum(a, b), capture((a, b), |(a, b)| a as u32 + b));
    check(unused(3, a), capture((3_u64, a), |_| 5));
    check(pattern((b, 3), [b ^ 1; 3]), capture(((b, 3_u64), [b; 3]), |_| 1));

    let no_captures = async |a: u8, b: u32| a as u32 + b;
    check(no_captures(a, b), capture((a, b), |(a, b)| a as u32 + b));
}

/// Called by value, an async closure gives a body of its own, that owns what it captured.
fn closure_that_is_consumed() {
    fn consume<F: AsyncFnOnce(u8) -> u32>(closure: F) -> F::CallOnceFuture {
        closure(1)
    }
    let captured = black_box(2_u32);
    let closure = async move |argument| captured ^ argument as u32;
    let twice = closure.clone();

    // Its body that borrows the capture is another one.
    assert_eq!(complete(pin!(closure(1)), 0), 3);
    check_polls(pin!(consume(twice)), 3);
    check(consume(closure), capture((1_u8, captured), |_| 3));
}

fn through_dyn() {
    let (a, b) = black_box((1, 2));
    let mut boxed: Vec<Pin<Box<dyn Future<Output = u32>>>> =
        vec![Box::pin(sum(a, b)), Box::pin(async { 5 }), Box::pin(async move { b })];
    assert_eq!(boxed.iter().map(|future| size_of_val(&**future)).collect::<Vec<_>>(), [8, 0, 4]);
    for (future, output) in boxed.iter_mut().zip([3, 5, 2]) {
        check_polls(future.as_mut(), output);
    }

    let borrowed: Pin<&mut dyn Future<Output = u32>> = pin!(sum(b as u8, b));
    check_polls(borrowed, 4);
}

/// A future may be moved as long as it was not polled.
fn moved_and_kept() {
    let (flag, word) = black_box((true, 2_u32));
    let make = |word| async move { (flag, word) };

    for future in [make(word), make(word)] {
        check_polls(pin!(future), (true, 2));
    }
    let (mut one, mut two) = (make(1), make(2));
    mem::swap(&mut one, &mut two);
    check_polls(Box::pin(one).as_mut(), (true, 2));
    check_polls(Box::pin(two).as_mut(), (true, 1));

    // What marks the absence of one is not taken for one, nor the other way round.
    let mut kept = black_box([Some(Some(make(word))), Some(None), None]);
    assert_eq!(
        kept.each_ref().map(|slot| slot.as_ref().map(Option::is_some)),
        [Some(true), Some(false), None]
    );
    check_polls(pin!(kept[0].take().unwrap().unwrap()), (true, 2));

    drop(make(word));
    let _never_dropped = ManuallyDrop::new(make(word));
    mem::forget(Box::pin(make(word)));
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
    let (a, b) = black_box((1, 2));
    let both = Both(Box::pin(sum(a, b)), Box::pin(async { 'c' }));
    check_polls(pin!(both), (3, 'c'));

    // The one that waits is polled twice, and so is the one that does not.
    let waits = Both(Box::pin(sum(a, b)), Box::pin(polling::step("waits", 1)));
    assert_eq!(complete(pin!(waits), 1), (3, ()));
}

fn main() {
    no_captures();
    captures();
    structures();
    branches_and_loops();
    arguments();
    closure_that_is_consumed();
    through_dyn();
    moved_and_kept();
    combined();
}
