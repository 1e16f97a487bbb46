// An await that never waits gives what one that may wait gives, wherever it stands: the body around
// it takes the same ways, answers the same, and waits as often as the futures do that wait. A
// future that looks as if it never waited, but may, is waited for.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![feature(gen_blocks, impl_trait_in_assoc_type)]

extern crate polling;

use std::cell::Cell;
use std::fmt::Debug;
use std::future::{poll_fn, ready};
use std::num::ParseIntError;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use polling::{complete, poll_next_once, step};

/// `future` answers `Pending` as often as it says, then `output`.
#[track_caller]
fn check<T: PartialEq + Debug>(future: impl Future<Output = T>, pending: usize, output: T) {
    assert_eq!(complete(pin!(future), pending), output);
}

/// Never waits.
async fn at_once<T>(output: T) -> T {
    output
}

/// Waits once.
async fn waits<T>(output: T) -> T {
    step("waits", 1).await;
    output
}

fn expressions() {
    async fn arguments(n: u32) -> (u32, [u32; 2]) {
        (u32::min(at_once(n).await, waits(9).await), [at_once(1).await, at_once(2).await])
    }
    check(arguments(3), 1, (3, [1, 2]));

    async fn conditions(n: u32) -> &'static str {
        if at_once(n == 0).await {
            "none"
        } else if at_once(n > 1).await && waits(n > 2).await || at_once(n > 7).await {
            "many"
        } else {
            let 1 = at_once(n).await else { return at_once("few").await };
            "one"
        }
    }
    check(conditions(0), 0, "none");
    check(conditions(1), 0, "one");
    check(conditions(2), 1, "few");
    check(conditions(3), 1, "many");

    async fn matches(n: Option<u32>) -> u32 {
        match at_once(n).await {
            None => at_once(0).await,
            Some(n) if at_once(n == 1).await => at_once(n).await,
            Some(n) => waits(n).await + at_once(1).await,
        }
    }
    check(matches(None), 0, 0);
    check(matches(Some(1)), 0, 1);
    check(matches(Some(2)), 1, 3);
}

/// An awaitee that only gives a constant need not be polled, nor be there.
fn constants() {
    async fn five() -> u32 {
        5
    }
    async fn parameter<const N: u32>() -> u32 {
        N
    }
    async fn text() -> &'static str {
        "text"
    }
    async fn nothing() {}

    check(async { five().await + parameter::<2>().await }, 0, 7);
    check(async { (five().await, waits(1).await) }, 1, (5, 1));
    check(async { (waits(1).await, async { 'c' }.await, waits(2).await) }, 2, (1, 'c', 2));
    check(async { (text().await, nothing().await, (async || 1.5)().await) }, 0, ("text", (), 1.5));
    check(async { [five().await, at_once(parameter::<3>().await).await] }, 0, [5, 3]);

    async fn generic<const N: u32>(waits: bool) -> u32 {
        let future = parameter::<N>();
        if waits {
            self::waits(()).await
        } else {
            nothing().await
        }
        future.await
    }
    check(generic::<4>(false), 0, 4);
    check(generic::<4>(true), 1, 4);
}

fn question_marks() {
    async fn parse(text: &str) -> Result<u32, ParseIntError> {
        text.parse()
    }
    async fn sum(texts: &[&str]) -> Result<u32, ParseIntError> {
        let mut sum = 0;
        for text in texts {
            sum += parse(text).await?;
        }
        waits(Ok(sum)).await
    }
    check(sum(&["1", "2"]), 1, Ok(3));
    check(sum(&["1", "none", "2"]), 0, "none".parse::<u32>().map(|_| 0));
}

fn loops() {
    /// How often it waits is up to `n`.
    async fn odds(n: u32) -> Vec<u32> {
        let (mut odds, mut current) = (vec![], 0);
        loop {
            current = at_once(current + 1).await;
            if at_once(current & 1 == 0).await {
                continue;
            }
            if waits(current > n).await {
                break;
            }
            odds.push(at_once(current).await);
        }
        odds
    }
    check(odds(0), 1, vec![]);
    check(odds(4), 3, vec![1, 3]);

    async fn nested(n: u32) -> u32 {
        let mut count = 0;
        'outer: while at_once(count < 100).await {
            for each in 0..n {
                count += at_once(1).await;
                match each {
                    1 => continue 'outer,
                    _ if at_once(count > 6).await => break 'outer,
                    _ => {}
                }
            }
        }
        count
    }
    check(nested(1), 0, 7);
    check(nested(2), 0, 7);

    /// The same await, of another future each time, one of which waits.
    async fn one_by_one(pending: &[usize]) -> usize {
        let mut sum = 0;
        for &pending in pending {
            step("one", pending).await;
            sum += at_once(pending).await;
        }
        sum
    }
    check(one_by_one(&[0, 0]), 0, 0);
    check(one_by_one(&[0, 2, 0, 1]), 3, 3);
}

/// Async fns that each await the one before.
macro_rules! chain {
    ($first:ident $(, $outer:ident awaits $inner:ident)*) => {
        async fn $first<F: Future<Output = u32>>(innermost: F) -> u32 {
            innermost.await + 1
        }
        $(
            async fn $outer<F: Future<Output = u32>>(innermost: F) -> u32 {
                $inner(innermost).await + 1
            }
        )*
    };
}

chain!(
    l1, l2 awaits l1, l3 awaits l2, l4 awaits l3, l5 awaits l4, l6 awaits l5, l7 awaits l6,
    l8 awaits l7, l9 awaits l8, l10 awaits l9
);

fn chains() {
    check(l10(at_once(1)), 0, 11);
    check(l10(l10(at_once(1))), 0, 21);
    check(l10(waits(1)), 1, 11);
    check(l10(l10(waits(1))), 1, 21);
    check(async { l10(async { 1 }).await + l10(waits(at_once(1).await)).await }, 1, 22);
}

/// Futures that are written by hand.
mod by_hand {
    use super::*;

    pub struct AtOnce(pub u32);

    impl Future for AtOnce {
        type Output = u32;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
            if self.0 > 1 {
                return Poll::Ready(self.0);
            }
            Poll::Ready(0)
        }
    }

    pub struct Holds<T>(pub Option<T>);

    impl<T> Unpin for Holds<T> {}

    impl<T> Future for Holds<T> {
        type Output = T;

        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
            Poll::Ready(self.0.take().expect("polled once"))
        }
    }

    /// Ready, with an output that is `Pending`.
    pub struct ReadyWithPending;

    impl Future for ReadyWithPending {
        type Output = Poll<()>;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Poll<()>> {
            Poll::Ready(Poll::Pending)
        }
    }

    /// Futures that wait once, and have each another way to say so.
    macro_rules! waits_once {
        ($($name:ident($waits:pat) => $answer:expr,)*) => {
            $(
                pub struct $name(pub bool);

                impl Future for $name {
                    type Output = u32;

                    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
                        let $waits = std::mem::take(&mut self.0);
                        $answer
                    }
                }
            )*
        };
    }

    const PENDING: Poll<u32> = Poll::Pending;

    fn answer(waits: bool) -> Poll<u32> {
        if waits { Poll::Pending } else { Poll::Ready(1) }
    }

    fn replace(slot: &mut Poll<u32>, waits: bool) {
        *slot = answer(waits);
    }

    waits_once! {
        ByConstant(waits) => if waits { PENDING } else { Poll::Ready(1) },
        ByCall(waits) => answer(waits),
        ByReturn(waits) => {
            if waits {
                return Poll::Pending;
            }
            Poll::Ready(1)
        },
        ByAssignment(waits) => {
            let mut answer = Poll::Ready(1);
            if waits {
                answer = Poll::Pending;
            }
            answer
        },
        ByReference(waits) => {
            let mut answer = Poll::Ready(1);
            replace(&mut answer, waits);
            answer
        },
        ByMacro(waits) => Poll::Ready(std::task::ready!(answer(waits))),
        ByMap(waits) => answer(waits).map(|output| output),
        ByPointer(waits) => {
            let mut answer = Poll::Ready(1);
            let pointer = &raw mut answer;
            if waits {
                unsafe { *pointer = Poll::Pending };
            }
            answer
        },
    }
}

fn written_by_hand() {
    use by_hand::*;

    check(async { AtOnce(2).await + AtOnce(1).await }, 0, 2);
    check(async { Holds(Some(String::from("held"))).await }, 0, String::from("held"));
    check(async { (ReadyWithPending.await, Holds(Some(PENDING)).await) }, 0, (PENDING, PENDING));
    const PENDING: Poll<()> = Poll::Pending;

    macro_rules! check_each {
        ($($name:ident)*) => {
            $(
                check(async { $name(false).await + AtOnce(2).await }, 0, 3);
                check(async { $name(true).await + AtOnce(2).await }, 1, 3);
            )*
        };
    }
    check_each! { ByConstant ByCall ByReturn ByAssignment ByReference ByMacro ByMap ByPointer }
}

fn from_the_library() {
    check(async { ready(1).await + ready(2).await }, 0, 3);
    check(
        async { ready(String::from("text")).await + &ready(waits("!").await).await },
        1,
        "text!".into(),
    );
    check(async { Box::pin(at_once(1)).await + Box::pin(waits(2)).await }, 1, 3);
    check(async { Box::pin(ready(1)).await + Box::new(ready(2)).await }, 0, 3);
    check(async { poll_fn(|_| Poll::Ready(1)).await }, 0, 1);

    let asked = Cell::new(false);
    let later = || if asked.replace(true) { Poll::Ready(1) } else { Poll::Pending };
    check(async { at_once(poll_fn(|_| later()).await).await }, 1, 1);
}

struct Request(u32);

impl IntoFuture for Request {
    type Output = u32;
    type IntoFuture = impl Future<Output = u32>;

    fn into_future(self) -> Self::IntoFuture {
        async move { at_once(self.0).await }
    }
}

struct SlowRequest(u32);

impl IntoFuture for SlowRequest {
    type Output = u32;
    type IntoFuture = impl Future<Output = u32>;

    fn into_future(self) -> Self::IntoFuture {
        waits(self.0)
    }
}

fn into_futures() {
    async fn both<A: IntoFuture<Output = u32>>(a: A, b: impl IntoFuture<Output = u32>) -> u32 {
        a.await + b.await
    }
    check(async { Request(1).await + Request(2).await }, 0, 3);
    check(async { Request(1).await + SlowRequest(2).await }, 1, 3);
    check(both(Request(1), Request(2)), 0, 3);
    check(both(SlowRequest(1), Request(2)), 1, 3);
    check(both(Request(1), SlowRequest(2)), 1, 3);
    check(both(SlowRequest(1), SlowRequest(2)), 2, 3);
}

fn closures() {
    async fn call(f: impl AsyncFn(u32) -> u32) -> u32 {
        f(1).await + f(2).await
    }
    async fn call_mut(mut f: impl AsyncFnMut(u32) -> u32) -> u32 {
        f(1).await + f(2).await
    }
    async fn consume(f: impl AsyncFnOnce(u32) -> u32) -> u32 {
        f(1).await
    }

    let text = String::from("text");
    let length = async |n| at_once(text.len() as u32).await + n;
    check(call(&length), 0, 11);
    check(call_mut(&length), 0, 11);
    check(consume(&length), 0, 5);
    check(consume(length), 0, 5);

    let mut sum = 0;
    let mut sum_up = async |n| {
        sum += at_once(n).await;
        sum
    };
    check(sum_up(1), 0, 1);
    check(call_mut(&mut sum_up), 0, 6);
    check(consume(sum_up), 0, 5);

    let owned = String::from("owned");
    let gives = async move |n| {
        let owned = at_once(owned).await;
        owned.len() as u32 + n
    };
    check(consume(gives), 0, 6);

    let slow = async |n| waits(at_once(n).await).await;
    check(call(&slow), 2, 3);
    check(consume(slow), 1, 1);
}

fn async_gens() {
    let mut items = pin!(async gen {
        yield at_once(1).await;
        let two = at_once(2).await;
        yield waits(two).await;
        for n in 3..5 {
            yield ready(n).await;
        }
    });
    let answers: [_; 7] = std::array::from_fn(|_| poll_next_once(items.as_mut()));
    let some = |n| Poll::Ready(Some(n));
    let none = Poll::Ready(None);
    assert_eq!(answers, [some(1), Poll::Pending, some(2), some(3), some(4), none, none]);
}

fn main() {
    expressions();
    constants();
    question_marks();
    loops();
    chains();
    written_by_hand();
    from_the_library();
    into_futures();
    closures();
    async_gens();
}
