// What the tests in this directory share: polling by hand, catching a panic, tracing drops.
//
// There is no coroutine in this crate: a body answers as the crate says that defines it, so the
// bodies under test stay with the test, and the futures here are written by hand.

//@ edition: 2024
//@ no-prefer-dynamic

#![crate_type = "lib"]
#![feature(async_iterator)]

use std::async_iter::AsyncIterator;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// How often a test asks where the answer must stay the same forever.
pub const FOREVER: usize = 100;

/// Polls with a waker that does nothing.
#[track_caller]
pub fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls an `async gen` with a waker that does nothing.
#[track_caller]
pub fn poll_next_once<I: AsyncIterator + ?Sized>(items: Pin<&mut I>) -> Poll<Option<I::Item>> {
    items.poll_next(&mut Context::from_waker(Waker::noop()))
}

/// Asks until `Ready`, which must come at the poll after `pending` times `Pending`.
#[track_caller]
pub fn complete<F: Future + ?Sized>(mut future: Pin<&mut F>, pending: usize) -> F::Output {
    for nth in 0..pending {
        assert!(poll_once(future.as_mut()).is_pending(), "poll {nth} is ready too early");
    }
    match poll_once(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready after {pending} times `Pending`"),
    }
}

/// Asks until `Ready`, however often that takes.
pub fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return output;
        }
    }
}

/// The future answers `Pending` however often it is asked.
#[track_caller]
pub fn assert_pending_forever<F: Future + ?Sized>(mut future: Pin<&mut F>) {
    for nth in 0..FOREVER {
        assert!(poll_once(future.as_mut()).is_pending(), "poll {nth} is ready");
    }
}

/// The message of the panic that `f` must end in.
#[track_caller]
pub fn panic_message<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("this must panic") };
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast_ref::<&str>().expect("a message").to_string(),
    }
}

/// Answers `Pending` as many times as it says, then `Ready`; traces the polls and its drop.
pub struct Step {
    name: &'static str,
    pending: usize,
}

pub fn step(name: &'static str, pending: usize) -> Step {
    Step { name, pending }
}

impl Future for Step {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        trace(format!("poll {}", self.name));
        match self.pending.checked_sub(1) {
            Some(pending) => {
                self.pending = pending;
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        trace(format!("drop {}", self.name));
    }
}

/// Answers `Pending` once. As small as can be, for tests of sizes.
pub struct Once(bool);

pub fn once() -> Once {
    Once(false)
}

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A value whose drop is traced.
#[derive(Debug)]
pub struct Traced(pub &'static str);

impl Drop for Traced {
    fn drop(&mut self) {
        trace(format!("drop {}", self.0));
    }
}

thread_local! {
    static TRACE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

pub fn trace(event: impl Into<String>) {
    TRACE.with_borrow_mut(|trace| trace.push(event.into()));
}

/// What happened since the last call, in order.
pub fn take_trace() -> Vec<String> {
    TRACE.take()
}
