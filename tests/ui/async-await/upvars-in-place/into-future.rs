// A future that is passed to an async fn, or captured by an async block, is polled where it was
// captured: at once, behind another await, pinned, or in a branch. It is dropped when it would be
// otherwise. What is no future, but can be made into one, is.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level2 levelz alone abort
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=2
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[alone] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[alone] compile-flags: -Zmir-enable-passes=-ElideNoAwait,-InlineAwait,-FinishedAwaitees
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Cpanic=abort
//@ aux-build: drops.rs

extern crate drops;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use drops::{event, run, take_events};

/// Is pending once, then answers its number. Panics at its first poll if that is 13.
struct Large {
    number: u32,
    is_polled: bool,
    place: Option<*const Large>,
    _bytes: [u8; 200],
}

fn large(number: u32) -> Large {
    Large { number, is_polled: false, place: None, _bytes: [0; 200] }
}

impl Future for Large {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        let here: *const Large = &*self;
        assert_eq!(*self.place.get_or_insert(here), here, "it has moved");
        assert_ne!(self.number, 13, "it panics");
        if std::mem::replace(&mut self.is_polled, true) {
            Poll::Ready(self.number)
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        event(self.number);
    }
}

/// Is no future.
struct Makes(u32);

impl IntoFuture for Makes {
    type Output = u32;
    type IntoFuture = Large;

    fn into_future(self) -> Large {
        event(100 + self.0);
        large(self.0)
    }
}

async fn at_once<F: Future<Output = u32>>(future: F) -> u32 {
    future.await + 1
}

async fn behind<F: Future<Output = u32>>(first: F, second: F) -> u32 {
    let first = first.await;
    first * second.await
}

async fn is_mutable<F: Future<Output = u32> + Unpin>(mut future: F, other: F) -> u32 {
    let is_pending = {
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut future).poll(&mut context).is_pending()
    };
    if is_pending {
        future = other;
    }
    future.await
}

async fn is_pinned<F: Future<Output = u32>>(one: F, other: F) -> u32 {
    let mut one = pin!(one);
    let other = pin!(other);
    one.as_mut().await + other.await
}

async fn in_branch<F: Future<Output = u32>>(future: F, is_first: bool) -> u32 {
    if is_first {
        let answer = future.await;
        event(50);
        return answer;
    }
    let answer = large(6).await;
    event(60);
    drop(future);
    answer
}

async fn into<I: IntoFuture<Output = u32>>(one: I, other: I) -> u32 {
    one.await + other.into_future().await
}

fn captures(one: Large, other: Large) -> impl Future<Output = u32> {
    async move {
        large(1).await;
        let answer = other.await;
        one.await + answer
    }
}

fn main() {
    let result = |answer, events: &[u32]| (answer, events.to_vec());
    assert_eq!(
        run(|| at_once(large(2))),
        [result(None, &[2]), result(None, &[2]), result(Some(3), &[2])]
    );
    assert_eq!(
        run(|| behind(large(2), large(3))),
        [
            result(None, &[2, 3]),
            result(None, &[2, 3]),
            result(None, &[2, 3]),
            result(Some(6), &[2, 3]),
        ]
    );
    assert_eq!(
        run(|| is_mutable(large(2), large(3))),
        [result(None, &[2, 3]), result(None, &[2, 3]), result(Some(3), &[2, 3])]
    );
    assert_eq!(
        run(|| is_pinned(large(2), large(3))),
        [
            result(None, &[2, 3]),
            result(None, &[3, 2]),
            result(None, &[3, 2]),
            result(Some(5), &[3, 2]),
        ]
    );
    assert_eq!(
        run(|| in_branch(large(2), true)),
        [result(None, &[2]), result(None, &[2]), result(Some(2), &[2, 50])]
    );
    assert_eq!(
        run(|| in_branch(large(2), false)),
        [result(None, &[2]), result(None, &[6, 2]), result(Some(6), &[6, 60, 2])]
    );
    assert_eq!(
        run(|| into(Makes(2), Makes(3)))[3],
        result(Some(5), &[102, 2, 103, 3])
    );
    assert_eq!(run(|| into(large(2), large(3))), run(|| behind_as_sum(large(2), large(3))));
    assert_eq!(
        run(|| captures(large(2), large(3))),
        [
            result(None, &[3, 2]),
            result(None, &[1, 3, 2]),
            result(None, &[1, 3, 2]),
            result(None, &[1, 3, 2]),
            result(Some(5), &[1, 3, 2]),
        ]
    );

    if cfg!(panic = "unwind") {
        take_events();
        let mut future = Box::pin(behind(large(2), large(13)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        let poll = || future.as_mut().poll(&mut context);
        assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
        assert_eq!(take_events(), [2, 13]);
        drop(future);
        assert_eq!(take_events(), []);
    }

    if cfg!(any(level2, levelz, abort)) {
        for size in [
            size_of_val(&at_once(large(1))),
            size_of_val(&at_once(at_once(at_once(large(1))))),
        ] {
            assert!(size < 2 * size_of::<Large>(), "{size}");
        }
        for size in [
            size_of_val(&behind(large(1), large(2))),
            size_of_val(&is_pinned(large(1), large(2))),
            size_of_val(&is_pinned(at_once(large(1)), at_once(large(2)))),
        ] {
            assert!(size < 3 * size_of::<Large>(), "{size}");
        }
    }
}

async fn behind_as_sum<F: Future<Output = u32>>(first: F, second: F) -> u32 {
    let first = first.await;
    first + second.await
}
