// The answer of an await that is stored when the awaitee is gone is the same one, is dropped where
// it would be if it had been stored before, and shares its place with the awaitee.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off without level2 level3 levelz debuginfo abort
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=2
//@[without] compile-flags: -Zasync-returned-panic=no -Zmir-enable-passes=-LateAnswers -Copt-level=2
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[debuginfo] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -g
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Cpanic=abort

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static DROPPED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static BREAKS: Cell<bool> = const { Cell::new(false) };
}

/// Notes when it is dropped. It is not as large as what gives it.
struct Answer {
    bytes: [u8; 300],
}

impl Answer {
    fn new(first: u8) -> Answer {
        Answer { bytes: black_box(std::array::from_fn(|index| first.wrapping_add(index as u8))) }
    }

    fn first(&self) -> u8 {
        let all = self.bytes.iter().enumerate();
        assert!(all.clone().all(|(index, &byte)| byte == self.bytes[0].wrapping_add(index as u8)));
        self.bytes[0]
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let first = self.first();
        DROPPED.with_borrow_mut(|dropped| dropped.push(first));
    }
}

/// Pending once.
struct Asks {
    bytes: [u8; 400],
    was_pending: bool,
}

fn ask(first: u8) -> Asks {
    Asks { bytes: [first; 400], was_pending: false }
}

impl Future for Asks {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Answer> {
        if !std::mem::replace(&mut self.was_pending, true) {
            return Poll::Pending;
        }
        assert!(self.bytes.iter().all(|&byte| byte == self.bytes[0]));
        Poll::Ready(Answer::new(self.bytes[0]))
    }
}

/// The same, but notes when it is dropped, and may panic then.
struct Noisy(Asks);

impl Future for Noisy {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl Drop for Noisy {
    fn drop(&mut self) {
        let first = self.0.bytes[0];
        DROPPED.with_borrow_mut(|dropped| dropped.push(100 + first));
        // What it answered is not changed by what it does now.
        self.0.bytes.fill(0);
        assert!(!BREAKS.get(), "breaks");
    }
}

fn noisy(first: u8) -> Noisy {
    Noisy(ask(first))
}

struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn wait() -> Once {
    Once(false)
}

async fn quiet_one() -> u8 {
    let answer = ask(1).await;
    wait().await;
    answer.first()
}

async fn noisy_one() -> u8 {
    let answer = noisy(2).await;
    wait().await;
    answer.first()
}

/// Each answer is needed behind the next await.
async fn in_a_loop() -> u8 {
    let mut last = noisy(3).await;
    for round in 4..6 {
        last = noisy(round).await;
        wait().await;
        last.first();
    }
    last.first()
}

async fn generic<F: Future<Output = T>, T>(future: F, first: impl Fn(&T) -> u8) -> u8 {
    let answer = future.await;
    wait().await;
    first(&answer)
}

async fn matched() -> u8 {
    match Ok::<_, ()>(noisy(7).await) {
        Ok(answer) => {
            wait().await;
            answer.first()
        }
        Err(()) => 0,
    }
}

/// What is borrowed before the awaitee is gone is stored before that.
async fn borrowed() -> u8 {
    let mut slot = None;
    let slot = &mut slot;
    *slot = Some(noisy(8).await);
    wait().await;
    slot.as_ref().map_or(0, Answer::first)
}

async fn returned() -> Answer {
    noisy(9).await
}

async fn taken_in() -> u8 {
    let answer = returned().await;
    wait().await;
    answer.first()
}

fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn size<F>(_: F) -> usize {
    size_of::<F>()
}

fn main() {
    let all: [(fn() -> Pin<Box<dyn Future<Output = u8>>>, u8, &[u8]); 8] = [
        (|| Box::pin(quiet_one()), 1, &[1]),
        (|| Box::pin(noisy_one()), 2, &[102, 2]),
        (|| Box::pin(in_a_loop()), 5, &[103, 104, 3, 105, 4, 5]),
        (|| Box::pin(generic(ask(10), Answer::first)), 10, &[10]),
        (|| Box::pin(generic(noisy(11), Answer::first)), 11, &[111, 11]),
        (|| Box::pin(matched()), 7, &[107, 7]),
        (|| Box::pin(borrowed()), 8, &[108, 8]),
        (|| Box::pin(taken_in()), 9, &[109, 9]),
    ];
    for (make, expected, dropped) in all {
        let mut future = make();
        let mut polls = 0;
        let answer = loop {
            polls += 1;
            if let Poll::Ready(answer) = poll(&mut future) {
                break answer;
            }
        };
        drop(future);
        assert_eq!((answer, DROPPED.take()), (expected, dropped.to_vec()));

        // Dropped at each suspension point, all that was made is dropped, and once.
        for polls in 0..polls {
            let mut future = make();
            for _ in 0..polls {
                assert!(poll(&mut future).is_pending());
            }
            drop(future);
            let mut found = DROPPED.take();
            let count = found.len();
            found.sort_unstable();
            found.dedup();
            assert_eq!(count, found.len());
            assert!(found.iter().all(|first| dropped.contains(first)), "{found:?}");
        }

        // Where the drop of the awaitee panics, the answer is not dropped, whatever it is kept for.
        if cfg!(panic = "unwind") && dropped[0] > 100 {
            BREAKS.set(true);
            let mut future = make();
            assert!(poll(&mut future).is_pending());
            assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut future).is_pending())).is_err());
            BREAKS.set(false);
            drop(future);
            assert_eq!(DROPPED.take(), [dropped[0]]);
        }
    }

    // The awaitee, or the answer and a byte or two.
    let shares = cfg!(any(level2, level3, levelz, debuginfo, abort));
    assert_eq!(size(quiet_one()) < 420, shares, "{}", size(quiet_one()));
    assert_eq!(size(noisy_one()) < 420, shares, "{}", size(noisy_one()));
}
