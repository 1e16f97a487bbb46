// A future that panicked has dropped what it held while it unwound. With
// `-Zasync-returned-panic=no` it answers `Pending` from then on, with the default it panics again,
// and with either nothing is dropped by a later poll or by its own drop: both compare with one
// trace, for a panic before, between, inside and after the awaits, and in a destructor.

//@ run-pass
//@ needs-unwind
//@ edition: 2024
//@ revisions: yes no no_o0 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: polling.rs

#![feature(coroutine_trait, coroutines, gen_blocks, stmt_expr_attributes)]

extern crate polling;

use std::ops::{Coroutine, CoroutineState};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use polling::{
    FOREVER, Traced, assert_pending_forever, panic_message, poll_next_once, poll_once, step,
    take_trace,
};

const PANICS: bool = cfg!(yes);

/// Polls `future` until it panics, which must be after `pending` times `Pending` and must leave
/// `expected` as its trace. Then asks it again and drops it, and nothing may happen.
#[track_caller]
fn check(future: impl Future<Output = ()>, pending: usize, expected: &[&str]) {
    take_trace();
    let mut future = Box::pin(future);
    for _ in 0..pending {
        assert!(poll_once(future.as_mut()).is_pending());
    }
    assert_eq!(panic_message(|| poll_once(future.as_mut())), "broken");
    assert_eq!(take_trace(), expected);

    if PANICS {
        for _ in 0..3 {
            let message = panic_message(|| poll_once(future.as_mut()));
            assert_eq!(message, "`async fn` resumed after panicking");
        }
    } else {
        assert_pending_forever(future.as_mut());
    }
    assert!(take_trace().is_empty());

    drop(future);
    assert!(take_trace().is_empty());
}

fn broken() {
    panic!("broken");
}

/// A future whose poll panics after it answered `Pending` as often as it says.
struct Breaks(usize, #[allow(dead_code)] Traced);

impl Future for Breaks {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let Some(pending) = self.0.checked_sub(1) else { panic!("broken") };
        self.0 = pending;
        Poll::Pending
    }
}

struct BreaksOnDrop;

impl Drop for BreaksOnDrop {
    fn drop(&mut self) {
        panic!("broken");
    }
}

fn before_the_first_await() {
    async fn body(_argument: Traced) {
        let _local = Traced("local");
        broken();
        step("await", 1).await;
    }
    check(body(Traced("argument")), 0, &["drop local", "drop argument"]);
}

fn between_awaits() {
    async fn body(_argument: Traced) {
        let _local = Traced("local");
        step("first", 1).await;
        let _later = Traced("later");
        broken();
        step("second", 1).await;
    }
    check(
        body(Traced("argument")),
        1,
        &["poll first", "poll first", "drop first", "drop later", "drop local", "drop argument"],
    );
}

fn inside_an_await() {
    async fn outer() {
        let _local = Traced("local");
        Breaks(1, Traced("awaited")).await;
    }
    check(outer(), 1, &["drop awaited", "drop local"]);

    async fn inner() {
        let _local = Traced("inner local");
        step("inner", 1).await;
        broken();
    }
    async fn nested() {
        let _local = Traced("outer local");
        inner().await;
    }
    check(
        nested(),
        1,
        &["poll inner", "poll inner", "drop inner", "drop inner local", "drop outer local"],
    );
}

fn after_the_last_await() {
    let captured = Traced("captured");
    check(
        async move {
            let _captured = captured;
            step("await", 1).await;
            broken();
        },
        1,
        &["poll await", "poll await", "drop await", "drop captured"],
    );

    let closure = async |_argument: Traced| {
        step("await", 1).await;
        broken();
    };
    check(
        closure(Traced("argument")),
        1,
        &["poll await", "poll await", "drop await", "drop argument"],
    );
}

fn in_a_destructor() {
    check(
        async {
            let _first = Traced("first");
            let _breaks = BreaksOnDrop;
            let _second = Traced("second");
            step("await", 1).await;
        },
        1,
        &["poll await", "poll await", "drop await", "drop second", "drop first"],
    );
}

fn async_gen() {
    async gen fn body() -> u32 {
        let _local = Traced("local");
        yield 1;
        broken();
        yield 2;
    }

    take_trace();
    let mut items = Box::pin(body());
    assert_eq!(poll_next_once(items.as_mut()), Poll::Ready(Some(1)));
    assert_eq!(panic_message(|| poll_next_once(items.as_mut())), "broken");
    assert_eq!(take_trace(), ["drop local"]);
    if PANICS {
        let message = panic_message(|| poll_next_once(items.as_mut()));
        assert_eq!(message, "`async gen fn` resumed after panicking");
    } else {
        for _ in 0..FOREVER {
            assert_eq!(poll_next_once(items.as_mut()), Poll::Pending);
        }
    }
    drop(items);
    assert!(take_trace().is_empty());
}

/// A `gen` and a `#[coroutine]` have no `Pending` to answer: they panic with either setting.
fn gen_and_coroutine() {
    gen fn body() -> u32 {
        yield 1;
        broken();
    }
    let mut items = body();
    assert_eq!(items.next(), Some(1));
    assert_eq!(panic_message(|| items.next()), "broken");
    let message = panic_message(|| items.next());
    assert_eq!(message, "`gen fn` should just keep returning `None` after panicking");

    let mut coroutine = pin!(
        #[coroutine]
        static || {
            yield 1;
            broken();
        }
    );
    assert_eq!(coroutine.as_mut().resume(()), CoroutineState::Yielded(1));
    assert_eq!(panic_message(|| coroutine.as_mut().resume(())), "broken");
    let message = panic_message(|| coroutine.as_mut().resume(()));
    assert_eq!(message, "coroutine resumed after panicking");
}

fn main() {
    before_the_first_await();
    between_awaits();
    inside_an_await();
    after_the_last_await();
    in_a_destructor();
    async_gen();
    gen_and_coroutine();
}
