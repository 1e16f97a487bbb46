// An enum of which a part was moved out is not saved: by `?`, `for`, `let else` and `match`, over
// values with something to drop.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Copt-level=2 -Zvalidate-mir -Zlint-mir
//@ revisions: on off abort
//@[on] compile-flags: -Zasync-returned-panic=no
//@[off] compile-flags: -Zasync-returned-panic=no -Zmir-enable-passes=-DeadReads
//@[abort] compile-flags: -Zasync-returned-panic=no -Cpanic=abort

use std::cell::Cell;
use std::future::{pending, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

thread_local! {
    static DROPPED: Cell<u32> = const { Cell::new(0) };
}

struct Large([u8; 200]);

impl Drop for Large {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + u32::from(self.0[0]));
    }
}

struct Error(u8);

async fn send(large: &Large) -> Result<u8, Error> {
    black_box(large);
    pending::<()>().await;
    Ok(1)
}

async fn in_for(items: impl Iterator<Item = Large>) -> Result<(), Error> {
    for item in items {
        send(&item).await?;
        black_box(&item);
    }
    Ok(())
}

async fn by_try(items: impl Iterator<Item = Result<Large, Error>>) -> Result<(), Error> {
    for item in items {
        let item = item?;
        send(&item).await?;
        black_box(&item);
    }
    Ok(())
}

async fn by_match(make: fn() -> Option<Large>) -> u8 {
    match make() {
        Some(item) => {
            ready(()).await;
            pending::<()>().await;
            item.0[3]
        }
        None => 0,
    }
}

type Nested = Result<Result<Large, Box<u8>>, u8>;

/// What is left of the part that was moved out is told by drop flags.
async fn by_nested_match(make: fn() -> Nested) -> Result<u8, Box<u8>> {
    let mut last = 0;
    for _ in 0..2 {
        match make() {
            Err(code) => last = code,
            Ok(Err(error)) => return Err(error),
            Ok(Ok(item)) => {
                ready(()).await;
                pending::<()>().await;
                if item.0[3] == 1 {
                    return Ok(item.0[4]);
                }
            }
        }
    }
    Ok(last)
}

#[track_caller]
fn check(future: impl Future) {
    let size = size_of_val(&future);
    if cfg!(off) {
        assert!(size >= 2 * size_of::<Large>(), "{size}");
    } else {
        assert!(size < size_of::<Large>() + 64, "{size}");
    }
}

fn large() -> Large {
    Large([1; 200])
}

/// What each future drops where it is suspended.
fn dropped<F: Future>(future: F) -> u32 {
    DROPPED.set(0);
    {
        let mut future: Pin<&mut F> = pin!(future);
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
        assert_eq!(DROPPED.get(), 0);
    }
    DROPPED.get()
}

/// What a future answers that does not wait.
fn answer<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

fn main() {
    check(in_for(std::iter::empty()));
    check(by_try(std::iter::empty()));
    check(by_match(|| None));
    check(by_nested_match(|| Err(1)));
    assert_eq!(dropped(in_for(std::iter::repeat_with(large))), 1);
    assert_eq!(dropped(by_try(std::iter::repeat_with(|| Ok(large())))), 1);
    assert_eq!(dropped(by_match(|| Some(large()))), 1);
    assert_eq!(dropped(by_nested_match(|| Ok(Ok(large())))), 1);
    assert_eq!(answer(by_nested_match(|| Err(3))).ok(), Some(3));
    assert_eq!(answer(by_nested_match(|| Ok(Err(Box::new(4))))).unwrap_err(), Box::new(4));
    assert!(matches!(answer(by_try(std::iter::once(Err(Error(7))))), Err(Error(7))));
}
