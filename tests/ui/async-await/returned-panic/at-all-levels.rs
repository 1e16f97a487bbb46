// At opt-level 0 async bodies are optimized only if that is asked for, and then run as ever.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Copt-level=0 -Zvalidate-mir -Zlint-mir
//@ revisions: no levels abort
//@[no] compile-flags: -Zasync-returned-panic=no
//@[levels] compile-flags: -Zasync-returned-panic=no-at-all-levels
//@[abort] compile-flags: -Zasync-returned-panic=no-at-all-levels -Cpanic=abort

use std::cell::Cell;
use std::pin::pin;
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

async fn wait_once() {
    let mut is_first = true;
    std::future::poll_fn(|_| {
        if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await
}

async fn inner(large: Large) -> u8 {
    wait_once().await;
    large.0[1]
}

async fn middle(large: Large) -> u8 {
    inner(large).await + 1
}

async fn outer(large: Large) -> u8 {
    middle(large).await + 1
}

fn main() {
    let mut large = Large([1; 200]);
    large.0[1] = 40;
    let future = outer(large);
    let is_optimized = cfg!(any(levels, abort));
    assert_eq!(size_of_val(&future) < 250, is_optimized, "{}", size_of_val(&future));

    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(DROPPED.get(), 0);
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(42));
    assert_eq!(DROPPED.get(), 1);
    assert_eq!(future.as_mut().poll(&mut context), Poll::Pending);
    drop(outer(Large([2; 200])));
    assert_eq!(DROPPED.get(), 3);
}
