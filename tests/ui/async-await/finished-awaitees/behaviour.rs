// What an await leaves out is only the drop of a coroutine that has returned or unwound. One that
// is cancelled drops what it holds, and so does every other future, when it has answered as well.
// That is so in each instance of a generic body, by what is awaited in it.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ revisions: yes without no_o0 no_o2 no_o3 no_oz abort
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[without] compile-flags: -Zasync-returned-panic=no -Zmir-enable-passes=-FinishedAwaitees
//@[without] compile-flags: -Copt-level=2
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=3 -Cpanic=abort
//@ aux-build: ../../returned-panic/auxiliary/polling.rs
//@ aux-build: elsewhere.rs

extern crate elsewhere;
extern crate polling;

use std::ops::AsyncFn;
use std::pin::Pin;
use std::task::{Context, Poll};

use elsewhere::Held;
use polling::{Traced, complete, panic_message, poll_once, step, take_trace, trace};

/// Its body is never taken in.
#[inline(never)]
async fn holds(argument: Traced) -> u32 {
    let _local = Traced("local");
    step("wait", 1).await;
    trace("goes on");
    drop(argument);
    1
}

#[inline(never)]
async fn breaks(_argument: Traced) -> u32 {
    let _local = Traced("local");
    step("wait", 1).await;
    panic!("breaks")
}

/// Is dropped with something in it when it has answered, or panicked.
struct ByHand {
    left: Option<Traced>,
    waits: bool,
    breaks: bool,
}

impl ByHand {
    fn new() -> ByHand {
        ByHand { left: Some(Traced("left")), waits: true, breaks: false }
    }
}

impl Future for ByHand {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        if std::mem::take(&mut self.waits) {
            return Poll::Pending;
        }
        assert!(!self.breaks, "breaks");
        Poll::Ready(2)
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        trace("by hand");
        self.left.take();
    }
}

async fn known() -> u32 {
    let answer = holds(Traced("argument")).await;
    trace("behind");
    answer
}

async fn from_elsewhere() -> u32 {
    let held = Held(|| trace("drop held"));
    let answer = elsewhere::holds(held, Box::pin(step("wait", 1))).await;
    trace("behind");
    answer
}

async fn by_hand() -> u32 {
    let answer = ByHand::new().await;
    trace("behind");
    answer
}

async fn generic<F: Future<Output = u32>>(future: F) -> u32 {
    let answer = future.await;
    trace("behind");
    answer
}

async fn generic_boxed<F: Future<Output = u32> + ?Sized>(future: Box<F>) -> u32 {
    let answer = Box::into_pin(future).await;
    trace("behind");
    answer
}

/// What is awaited is another one in each round, in the same place.
async fn in_a_loop() -> u32 {
    let mut sum = 0;
    for round in 0..3 {
        if round == 2 {
            break;
        }
        sum += holds(Traced("argument")).await;
    }
    trace("behind");
    sum
}

async fn of_closure(closure: impl AsyncFn(Traced) -> u32) -> u32 {
    let answer = closure(Traced("argument")).await;
    trace("behind");
    answer
}

/// What it polls by hand first is cancelled when the other has answered.
async fn raced() -> u32 {
    let mut first = Box::pin(holds(Traced("argument")));
    let second = step("second", 0);
    assert!(poll_once(first.as_mut()).is_pending());
    second.await;
    trace("cancels");
    drop(first);
    3
}

/// As many times pending as told, with what is traced up to the answer, and when it is cancelled at
/// the first suspension point.
#[track_caller]
fn check<F: Future<Output = u32>>(
    make: impl Fn() -> F,
    pending: usize,
    whole: &[&str],
    cancelled: &[&str],
) {
    let mut future = Box::pin(make());
    complete(future.as_mut(), pending);
    drop(future);
    assert_eq!(take_trace(), whole);
    let mut future = Box::pin(make());
    if poll_once(future.as_mut()).is_pending() {
        take_trace();
        drop(future);
        assert_eq!(take_trace(), cancelled);
    }
    take_trace();
    // Before the first poll there is no await.
    drop(make());
    take_trace();
}

#[track_caller]
fn check_unwinds<F: Future<Output = u32>>(make: impl Fn() -> F, expected: &[&str]) {
    if !cfg!(panic = "unwind") {
        return;
    }
    let mut future = Box::pin(make());
    assert!(poll_once(future.as_mut()).is_pending());
    take_trace();
    assert_eq!(panic_message(|| poll_once(future.as_mut()).is_pending()), "breaks");
    assert_eq!(take_trace(), expected);
    drop(future);
    assert!(take_trace().is_empty());
}

fn main() {
    let holding = ["poll wait", "poll wait", "drop wait", "goes on", "drop argument", "drop local"];
    let whole = [&holding[..], &["behind"]].concat();
    let cancelled = ["drop wait", "drop local", "drop argument"];
    check(known, 1, &whole, &cancelled);
    check(|| generic(holds(Traced("argument"))), 1, &whole, &cancelled);
    let nested = [&whole[..], &["behind"]].concat();
    check(|| generic(generic(holds(Traced("argument")))), 1, &nested, &cancelled);
    check(|| generic_boxed(Box::new(holds(Traced("argument")))), 1, &whole, &cancelled);
    check(
        || generic_boxed::<dyn Future<Output = u32>>(Box::new(holds(Traced("argument")))),
        1,
        &whole,
        &cancelled,
    );
    check(in_a_loop, 2, &[&holding[..], &holding, &["behind"]].concat(), &cancelled);
    check(|| of_closure(async |argument| holds(argument).await), 1, &whole, &cancelled);
    check(
        || of_closure(|argument: Traced| async move { holds(argument).await }),
        1,
        &whole,
        &cancelled,
    );

    let whole = ["poll wait", "poll wait", "drop wait", "drop held", "behind"];
    check(from_elsewhere, 1, &whole, &["drop wait", "drop held"]);

    let left = ["by hand", "drop left"];
    let whole = [&left[..], &["behind"]].concat();
    check(by_hand, 1, &whole, &left);
    check(|| generic(ByHand::new()), 1, &whole, &left);
    check(|| generic(generic(ByHand::new())), 1, &[&whole[..], &["behind"]].concat(), &left);
    check(|| generic_boxed(Box::new(ByHand::new())), 1, &whole, &left);

    let cancels = ["poll wait", "poll second", "drop second", "cancels"];
    check(raced, 0, &[&cancels[..], &cancelled].concat(), &[]);

    let unwound = ["poll wait", "drop wait", "drop local", "drop argument"];
    check_unwinds(|| breaks(Traced("argument")), &unwound);
    check_unwinds(async || breaks(Traced("argument")).await, &unwound);
    check_unwinds(|| generic(breaks(Traced("argument"))), &unwound);
    let breaking = || {
        let mut future = ByHand::new();
        future.breaks = true;
        future
    };
    check_unwinds(|| generic(breaking()), &left);
    check_unwinds(async || breaking().await, &left);
}
