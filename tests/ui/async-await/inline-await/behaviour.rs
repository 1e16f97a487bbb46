// What is taken into the body that awaits it does what it did: the same, in the same order, whether
// it comes to its end, is dropped where it is suspended, or panics at any point, in a drop too.
// Each program is compiled twice, once with what it awaits left alone. Where panics abort there are
// none.

//@ run-pass
//@ edition: 2024
//@ needs-unwind
//@ no-prefer-dynamic
//@ aux-build: ../../collapse-suspension-points/auxiliary/events.rs
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no
//@ revisions: level2 level3 levels levelz debuginfo abort alone
//@[level2] compile-flags: -Copt-level=2
//@[debuginfo] compile-flags: -Copt-level=2 -g
//@[alone] compile-flags: -Copt-level=2 -Zmir-enable-passes=-ElideNoAwait,-ReturnedPending
//@[abort] compile-flags: -Copt-level=2 -Cpanic=abort
//@[level3] compile-flags: -Copt-level=3
//@[levels] compile-flags: -Copt-level=s
//@[levelz] compile-flags: -Copt-level=z

extern crate events;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use events::{EVENTS, Noisy, PANIC_AT, event, noisy, note, waker};

/// Pending as often as it says; notes by which waker it is polled.
struct Leaf(usize);

impl Future for Leaf {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        event("poll by", context.waker().data().addr());
        if self.0 == 0 {
            return Poll::Ready(7);
        }
        self.0 -= 1;
        Poll::Pending
    }
}

macro_rules! programs {
    ($name:ident $(, #[$attribute:meta])?) => {
        mod $name {
            use super::*;

            $(#[$attribute])?
            async fn leaf(times: usize) -> usize {
                Leaf(times).await
            }

            $(#[$attribute])?
            async fn takes(first: Noisy, _: Noisy, (third, _): (Noisy, Noisy)) -> usize {
                let fourth = noisy(first.look() + 10);
                leaf(1).await;
                drop(third);
                leaf(fourth.look() % 2).await + first.look()
            }

            pub async fn arguments() -> usize {
                let kept = noisy(1);
                let sum = takes(noisy(2), noisy(3), (noisy(4), noisy(5))).await;
                leaf(1).await + sum + kept.look()
            }

            $(#[$attribute])?
            async fn lends(kept: &mut Noisy, other: &Noisy) -> usize {
                let mut local = noisy(kept.0 + 1);
                let lent = &mut local;
                leaf(1).await;
                lent.0 += other.look();
                kept.0 += lent.look();
                leaf(1).await;
                lent.0
            }

            pub async fn borrows() -> usize {
                let mut kept = noisy(1);
                let mut sum = 0;
                for _ in 0..2 {
                    sum += lends(&mut kept, &noisy(20)).await;
                }
                sum + kept.look()
            }

            $(#[$attribute])?
            async fn answers(value: Noisy) -> Result<Noisy, Noisy> {
                leaf(1).await;
                if value.look() % 2 == 0 { Ok(value) } else { Err(value) }
            }

            pub async fn question() -> usize {
                async fn inner() -> Result<usize, Noisy> {
                    let first = answers(noisy(2)).await?;
                    let second = answers(noisy(4)).await?;
                    let sum = first.look() + second.look();
                    answers(noisy(5)).await?;
                    Ok(sum)
                }
                match inner().await {
                    Ok(sum) => sum,
                    Err(value) => value.look() + leaf(1).await,
                }
            }

            pub async fn arms() -> usize {
                let choice = noisy(leaf(1).await);
                match choice.look() % 3 {
                    0 => takes(noisy(1), noisy(2), (noisy(3), noisy(4))).await,
                    1 => takes(noisy(5), noisy(6), (noisy(7), noisy(8))).await + 1,
                    _ => takes(noisy(9), noisy(10), (noisy(11), noisy(12))).await,
                }
            }

            pub async fn blocks() -> usize {
                let first = noisy(1);
                let second = noisy(2);
                let by_reference = async {
                    leaf(1).await;
                    first.look()
                };
                let by_value = async move {
                    let other = noisy(3);
                    leaf(1).await;
                    second.look() + other.look()
                };
                let sum = by_value.await;
                sum + by_reference.await + first.look()
            }

            pub async fn breaks() -> usize {
                let mut round = 0;
                loop {
                    let held = noisy(round);
                    round += 1;
                    if answers(noisy(round)).await.is_ok() {
                        leaf(1).await;
                        continue;
                    }
                    if round > 2 {
                        break held.look();
                    }
                }
            }

            #[allow(async_fn_in_trait)]
            pub trait Read {
                async fn read(&mut self, value: Noisy) -> usize;
            }

            impl Read for Noisy {
                async fn read(&mut self, value: Noisy) -> usize {
                    leaf(1).await;
                    self.0 += value.look();
                    self.look()
                }
            }

            impl<T: Read> Read for &mut T {
                async fn read(&mut self, value: Noisy) -> usize {
                    T::read(self, value).await
                }
            }

            $(#[$attribute])?
            async fn drives(mut bus: impl Read) -> usize {
                let first = bus.read(noisy(1)).await;
                bus.read(noisy(2)).await + first
            }

            pub async fn forwards() -> usize {
                let mut device = noisy(100);
                drives(&mut &mut device).await + device.look()
            }

            fn boxed(depth: usize) -> Pin<Box<dyn Future<Output = usize>>> {
                Box::pin(recurses(depth))
            }

            $(#[$attribute])?
            async fn recurses(depth: usize) -> usize {
                let held = noisy(depth);
                if depth == 0 { leaf(1).await } else { boxed(depth - 1).await + held.look() }
            }

            pub async fn recursion() -> usize {
                recurses(3).await
            }

            $(#[$attribute])?
            async fn never(value: Noisy) -> ! {
                loop {
                    leaf(1).await;
                    value.look();
                }
            }

            pub async fn diverges() -> usize {
                let held = noisy(1);
                if leaf(0).await == 7 {
                    never(noisy(2)).await
                }
                held.look()
            }

            $(#[$attribute])?
            async fn without_await(value: Noisy) -> Noisy {
                event("runs", value.0);
                value
            }

            pub async fn temporaries() -> usize {
                let sum = without_await(noisy(1)).await.look() + takes(
                    without_await(noisy(2)).await,
                    noisy(3),
                    (noisy(4), without_await(noisy(5)).await),
                )
                .await;
                sum + noisy(6).look() + leaf(1).await
            }

            pub fn all() -> Vec<Box<dyn Fn() -> Pin<Box<dyn Future<Output = usize>>>>> {
                vec![
                    Box::new(|| Box::pin(arguments())),
                    Box::new(|| Box::pin(borrows())),
                    Box::new(|| Box::pin(question())),
                    Box::new(|| Box::pin(arms())),
                    Box::new(|| Box::pin(blocks())),
                    Box::new(|| Box::pin(breaks())),
                    Box::new(|| Box::pin(forwards())),
                    Box::new(|| Box::pin(recursion())),
                    Box::new(|| Box::pin(diverges())),
                    Box::new(|| Box::pin(temporaries())),
                ]
            }

            pub fn size() -> usize {
                size_of_val(&blocks())
            }
        }
    };
}

programs!(taken_in);
programs!(left_alone, #[inline(never)]);

/// Runs a future with a panic at an event, and drops it when it has been polled so often.
fn run(make: &dyn Fn() -> Pin<Box<dyn Future<Output = usize>>>, polls: usize, panic_at: usize) {
    PANIC_AT.set(panic_at);
    let mut future = make();
    for number in 0..polls {
        let waker = waker(number + 1);
        let poll = || future.as_mut().poll(&mut Context::from_waker(&waker));
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Ready(answer)) => note("ready", answer),
            Ok(Poll::Pending) => note("pending", 0),
            Err(_) => note("caught", 0),
        }
    }
    note("dropping", 0);
    if catch_unwind(AssertUnwindSafe(|| drop(future))).is_err() {
        note("caught", 0);
    }
}

fn trace(
    make: &dyn Fn() -> Pin<Box<dyn Future<Output = usize>>>,
    polls: usize,
    panic_at: usize,
) -> Vec<(&'static str, usize)> {
    run(make, polls, panic_at);
    PANIC_AT.set(usize::MAX);
    EVENTS.take()
}

fn main() {
    let programs = taken_in::all().into_iter().zip(left_alone::all());
    for (number, (taken_in, left_alone)) in programs.enumerate() {
        for polls in 0..9 {
            let panics = if cfg!(panic = "unwind") { 60 } else { 0 };
            for panic_at in [usize::MAX].into_iter().chain(0..panics) {
                let expected = trace(&*left_alone, polls, panic_at);
                let found = trace(&*taken_in, polls, panic_at);
                assert_eq!(found, expected, "program {number}, {polls} polls, {panic_at}");
            }
        }
    }
    // They were taken in.
    assert!(taken_in::size() < left_alone::size());
}
