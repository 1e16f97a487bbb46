// With `-Zasync-returned-panic=no` a finished future answers `Pending`, however often it is asked
// and whatever its output type, at every opt level. A coroutine that has a better answer, or no
// `Pending` to give, answers as ever.

//@ run-pass
//@ needs-unwind
//@ edition: 2024
//@ revisions: o0 o1 o2 o3 os oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no
//@[o0] compile-flags: -Copt-level=0
//@[o1] compile-flags: -Copt-level=1
//@[o2] compile-flags: -Copt-level=2
//@[o3] compile-flags: -Copt-level=3
//@[os] compile-flags: -Copt-level=s
//@[oz] compile-flags: -Copt-level=z
//@ aux-build: polling.rs

#![feature(coroutine_trait, coroutines, gen_blocks, stmt_expr_attributes)]

extern crate polling;

use std::fmt::Debug;
use std::hint::black_box;
use std::ops::{Coroutine, CoroutineState};
use std::pin::{Pin, pin};
use std::task::Poll;

use polling::{
    FOREVER, Traced, assert_pending_forever, complete, panic_message, poll_next_once, step,
    take_trace,
};

/// `future` answers `Pending` as often as it says, then `output`, then `Pending` forever.
#[track_caller]
fn check<T: PartialEq + Debug>(future: impl Future<Output = T>, pending: usize, output: T) {
    let mut future = pin!(future);
    assert_eq!(complete(future.as_mut(), pending), output);
    assert_pending_forever(future);
}

async fn immediate<T>(output: T) -> T {
    black_box(output)
}

async fn suspended<T>(output: T) -> T {
    step("first", 1).await;
    step("second", 1).await;
    output
}

/// Every kind of async body, with and without a suspension point that is reached.
fn check_kinds<T: Clone + PartialEq + Debug>(output: T) {
    check(immediate(output.clone()), 0, output.clone());
    check(suspended(output.clone()), 2, output.clone());

    let captured = output.clone();
    check(async move { black_box(captured) }, 0, output.clone());
    let captured = output.clone();
    check(
        async move {
            step("block", 2).await;
            captured
        },
        2,
        output.clone(),
    );

    let closure = async |argument: T| {
        step("closure", 1).await;
        argument
    };
    check(closure(output.clone()), 1, output.clone());
}

#[derive(Clone, PartialEq, Debug)]
struct Large([u64; 64]);

#[derive(Clone, PartialEq, Debug)]
struct ZeroSized;

fn output_types() {
    check_kinds(());
    check_kinds(ZeroSized);
    check_kinds(true);
    check_kinds(u64::MAX);
    check_kinds(Large([7; 64]));
    check_kinds(String::from("output"));
    check_kinds(Ok::<String, u8>(String::from("fine")));
    check_kinds(Err::<String, u8>(1));
    check_kinds(Some(Box::new(1)));
    check_kinds(None::<Box<i32>>);
    check_kinds(Poll::Ready(Some(())));
}

/// What the future held is dropped when it finishes, and neither by the polls after that nor by
/// its own drop.
fn drops() {
    take_trace();
    let mut future = Box::pin(async {
        let _first = Traced("first");
        step("await", 1).await;
        let _second = Traced("second");
    });
    complete(future.as_mut(), 1);
    let finished = ["poll await", "poll await", "drop await", "drop second", "drop first"];
    assert_eq!(take_trace(), finished);

    assert_pending_forever(future.as_mut());
    drop(future);
    assert!(take_trace().is_empty());
}

fn async_gen() {
    async gen fn count() -> u32 {
        yield 1;
        step("await", 1).await;
        yield 2;
    }

    let mut items = pin!(count());
    assert_eq!(poll_next_once(items.as_mut()), Poll::Ready(Some(1)));
    assert_eq!(poll_next_once(items.as_mut()), Poll::Pending);
    assert_eq!(poll_next_once(items.as_mut()), Poll::Ready(Some(2)));
    for _ in 0..FOREVER {
        assert_eq!(poll_next_once(items.as_mut()), Poll::Ready(None));
    }
}

fn r#gen() {
    let mut items = gen {
        yield 1;
    };
    assert_eq!(items.next(), Some(1));
    for _ in 0..FOREVER {
        assert_eq!(items.next(), None);
    }
}

fn coroutine() {
    let mut coroutine = #[coroutine]
    || {
        yield 1;
    };
    let mut coroutine = Pin::new(&mut coroutine);
    assert_eq!(coroutine.as_mut().resume(()), CoroutineState::Yielded(1));
    assert_eq!(coroutine.as_mut().resume(()), CoroutineState::Complete(()));
    for _ in 0..3 {
        let message = panic_message(|| coroutine.as_mut().resume(()));
        assert_eq!(message, "coroutine resumed after completion");
    }
}

fn main() {
    output_types();
    drops();
    async_gen();
    r#gen();
    coroutine();
}
