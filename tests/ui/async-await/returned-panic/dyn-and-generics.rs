// `-Zasync-returned-panic=no` reaches every body of the crate, however it is polled: through
// `dyn Future`, as an instance of a generic body, as a method of a trait, as an async closure
// called through each of its traits, and through another future that asks a finished one.

//@ run-pass
//@ edition: 2024
//@ revisions: o0 o3 oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no
//@[o0] compile-flags: -Copt-level=0
//@[o3] compile-flags: -Copt-level=3
//@[oz] compile-flags: -Copt-level=z
//@ aux-build: polling.rs

#![feature(async_fn_traits)]

extern crate polling;

use std::fmt::Debug;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use polling::{assert_pending_forever, complete, poll_once, step};

/// `future` answers `Pending` once, then `output`, then `Pending` forever.
#[track_caller]
fn check<T: PartialEq + Debug>(future: impl Future<Output = T>, output: T) {
    let mut future = pin!(future);
    assert_eq!(complete(future.as_mut(), 1), output);
    assert_pending_forever(future);
}

async fn generic<T: Clone, const N: usize>(item: T) -> [T; N] {
    step("generic", 1).await;
    std::array::from_fn(|_| item.clone())
}

async fn through<F: Future>(inner: F) -> F::Output {
    inner.await
}

fn through_dyn() {
    let mut futures: Vec<Pin<Box<dyn Future<Output = String>>>> = vec![
        Box::pin(async {
            step("block", 1).await;
            String::from("block")
        }),
        Box::pin(async { generic::<_, 1>(String::from("async fn")).await.concat() }),
        Box::pin(through(Box::pin(async {
            step("boxed", 1).await;
            String::from("boxed")
        }))),
    ];
    let outputs: Vec<_> = futures.iter_mut().map(|future| complete(future.as_mut(), 1)).collect();
    assert_eq!(outputs, ["block", "async fn", "boxed"]);
    for future in &mut futures {
        assert_pending_forever(future.as_mut());
    }
}

fn generics() {
    check(generic(1_u8), [1; 3]);
    check(generic::<_, 0>("none"), []);
    check(generic(vec!["some"]), [vec!["some"], vec!["some"]]);
    check(through(through(generic(()))), [(), ()]);
}

trait Read {
    async fn read(&mut self) -> u32;

    async fn read_twice(&mut self) -> u32 {
        step("twice", 1).await;
        2 * self.now()
    }

    fn now(&self) -> u32;
}

struct Clock(u32);

impl Read for Clock {
    async fn read(&mut self) -> u32 {
        step("read", 1).await;
        self.0 += 1;
        self.0
    }

    fn now(&self) -> u32 {
        self.0
    }
}

fn trait_methods() {
    async fn twice<R: Read>(mut reader: R) -> u32 {
        reader.read_twice().await
    }

    let mut clock = Clock(1);
    check(clock.read(), 2);
    check(clock.read_twice(), 4);
    check(twice(clock), 4);
}

fn async_closures() {
    async fn call<T>(f: impl AsyncFn(u32) -> T) -> T {
        f(1).await
    }
    async fn call_mut<T>(mut f: impl AsyncFnMut(u32) -> T) -> T {
        f(1).await
    }
    // Called by value, the closure gives a future with a body of its own, that owns the captures.
    fn call_once<T, F: AsyncFnOnce(u32) -> T>(f: F) -> F::CallOnceFuture {
        f(1)
    }

    let text = String::from("captured");
    let by_ref = async |n: u32| {
        step("by ref", 1).await;
        (text.len() as u32) + n
    };
    check(by_ref(1), 9);
    check(call(&by_ref), 9);
    check(call_mut(&by_ref), 9);
    check(async { call_once(&by_ref).await }, 9);
    check(call_once(by_ref), 9);

    let mut sum = 0;
    let mut by_mut = async |n: u32| {
        step("by mut", 1).await;
        sum += n;
        sum
    };
    check(by_mut(2), 2);
    check(call_mut(&mut by_mut), 3);
    check(call_once(by_mut), 4);

    let owned = String::from("owned");
    let by_value = async move |n: u32| {
        step("by value", 1).await;
        (owned, n)
    };
    check(call_once(by_value), (String::from("owned"), 1));
}

/// Polls what it holds even when that has finished, and says what it heard.
struct AskAgain<F>(Pin<Box<F>>);

impl<F: Future> Future for AskAgain<F> {
    type Output = (F::Output, bool);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(first) = self.0.as_mut().poll(context) else { return Poll::Pending };
        Poll::Ready((first, self.0.as_mut().poll(context).is_pending()))
    }
}

fn nested() {
    check(through(AskAgain(Box::pin(through(generic(1))))), ([1], true));

    // An outer body which awaits a finished future waits forever, and can be dropped.
    let mut finished = Box::pin(generic::<_, 1>(1));
    assert_eq!(complete(finished.as_mut(), 1), [1]);
    let mut waits = Box::pin(async { finished.as_mut().await });
    assert_pending_forever(waits.as_mut());
    drop(waits);
    assert!(poll_once(finished.as_mut()).is_pending());
}

fn main() {
    through_dyn();
    generics();
    trait_methods();
    async_closures();
    nested();
}
