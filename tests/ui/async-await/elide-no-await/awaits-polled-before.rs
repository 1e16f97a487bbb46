// Only a future that is awaited by value is new. One that is awaited by reference may have been
// polled before, or may have finished: it is asked like any other, and waited for.

//@ run-pass
//@ needs-unwind
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

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use polling::{assert_pending_forever, complete, panic_message, poll_once, step};

/// Never waits, and is not run twice.
async fn at_once(n: u32) -> u32 {
    black_box(n)
}

async fn waits(times: usize) -> u32 {
    step("step", times).await;
    1
}

/// `future` awaits one that has finished.
#[track_caller]
fn check_finished(future: impl Future) {
    let mut future = pin!(future);
    if cfg!(yes) {
        let message = panic_message(|| poll_once(future.as_mut()));
        assert_eq!(message, "`async fn` resumed after completion");
    } else {
        assert_pending_forever(future);
    }
}

fn finished() {
    let mut future = pin!(at_once(1));
    assert_eq!(complete(future.as_mut(), 0), 1);
    check_finished(async { future.as_mut().await });
    check_finished(async { (&mut future).await });

    let mut boxed = Box::pin(at_once(1));
    check_finished(async { (boxed.as_mut().await, boxed.as_mut().await) });
    check_finished(async { boxed.await });

    check_finished(async {
        let mut future = pin!(at_once(1));
        loop {
            future.as_mut().await;
        }
    });
}

/// Suspends once, without a future of its own.
async fn poll_by_hand(mut future: Pin<&mut impl Future<Output: Copy>>) -> bool {
    std::future::poll_fn(|context: &mut Context<'_>| {
        Poll::Ready(future.as_mut().poll(context).is_pending())
    })
    .await
}

fn started() {
    let started_here = async {
        let mut future = pin!(waits(2));
        assert!(poll_by_hand(future.as_mut()).await);
        future.as_mut().await
    };
    assert_eq!(complete(pin!(started_here), 1), 1);

    let mut future = pin!(waits(3));
    assert!(poll_once(future.as_mut()).is_pending());
    let mut dropped = Box::pin(async { future.as_mut().await });
    assert!(poll_once(dropped.as_mut()).is_pending());
    drop(dropped);
    assert_eq!(complete(pin!(async { (&mut future).await }), 1), 1);

    let mut unpin = step("unpin", 2);
    assert!(poll_once(pin!(async { (&mut unpin).await })).is_pending());
    complete(pin!(async { (&mut unpin).await }), 1);
}

/// A future by hand that may be moved between its polls, and is awaited by value in the midst.
fn moved() {
    struct CountsDown(u32);

    impl Future for CountsDown {
        type Output = &'static str;

        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            match self.0 {
                0 => Poll::Ready("done"),
                _ => {
                    self.0 -= 1;
                    Poll::Pending
                }
            }
        }
    }

    let mut future = CountsDown(3);
    assert!(poll_once(Pin::new(&mut future)).is_pending());
    assert_eq!(complete(pin!(async { future.await }), 2), "done");

    let mut boxed = Box::pin(waits(2));
    assert!(poll_once(boxed.as_mut()).is_pending());
    assert_eq!(complete(pin!(async { boxed.await }), 1), 1);
}

fn main() {
    finished();
    started();
    moved();
}
