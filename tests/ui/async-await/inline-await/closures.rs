// The body of an async closure takes in what it awaits, and is taken in where it is awaited. It is
// there twice: one is for calls by reference, and one for a call that consumes the closure. What
// either drops, and when, is as without that, at whichever suspension point it is cancelled.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ revisions: off level2 level3 levelz debuginfo abort
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=2
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[debuginfo] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -g
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Cpanic=abort
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate polling;

use std::ops::{AsyncFn, AsyncFnMut, AsyncFnOnce};

use polling::{Traced, assert_pending_forever, complete, poll_once, step, take_trace, trace};

fn trace_name(traced: &Traced) {
    trace(traced.0);
}

async fn inner(argument: Traced) {
    step("inner", 1).await;
    trace(argument.0);
}

async fn by_reference(closure: impl AsyncFn(Traced)) {
    closure(Traced("first")).await;
    closure(Traced("second")).await;
}

async fn by_mutable_reference(mut closure: impl AsyncFnMut(Traced)) {
    closure(Traced("first")).await;
    closure(Traced("second")).await;
}

async fn consumed(closure: impl AsyncFnOnce(Traced)) {
    closure(Traced("only")).await;
}

/// Cancels at each suspension point after as many polls, of which there are as many as `cancelled`
/// has entries, and runs to its end.
#[track_caller]
fn check<F: Future<Output = ()>>(make: impl Fn() -> F, whole: &[&str], cancelled: &[&[&str]]) {
    let mut future = Box::pin(make());
    complete(future.as_mut(), cancelled.len());
    assert_eq!(take_trace(), whole);
    if cfg!(not(off)) {
        assert_pending_forever(future.as_mut());
    }
    drop(future);
    assert!(take_trace().is_empty());
    for (nth, expected) in cancelled.iter().enumerate() {
        let mut future = Box::pin(make());
        for _ in 0..=nth {
            assert!(poll_once(future.as_mut()).is_pending());
        }
        take_trace();
        drop(future);
        assert_eq!(take_trace(), *expected, "cancelled at {nth}");
    }
}

fn main() {
    // Called in place, so it is known which closure is.
    let in_place = async || {
        let captured = Traced("captured");
        let closure = async |argument: Traced| {
            inner(argument).await;
            trace_name(&captured);
        };
        closure(Traced("first")).await;
        closure(Traced("second")).await;
    };
    let run = |name| ["poll inner", "poll inner", "drop inner", name];
    let drop_first = ["drop inner", "drop first", "drop captured"];
    let drop_second = ["drop inner", "drop second", "drop captured"];
    let twice = [
        &run("first")[..],
        &["drop first", "captured"],
        &run("second"),
        &["drop second", "captured", "drop captured"],
    ]
    .concat();
    check(in_place, &twice, &[&drop_first, &drop_second]);

    let captured = || Traced("captured");
    check(
        || {
            let captured = captured();
            by_reference(async move |argument| {
                inner(argument).await;
                trace_name(&captured);
            })
        },
        &twice,
        &[&drop_first, &drop_second],
    );
    check(
        || {
            let captured = captured();
            let mut count = 0;
            by_mutable_reference(async move |argument| {
                count += 1;
                inner(argument).await;
                trace_name(&captured);
                assert!(count < 3);
            })
        },
        &twice,
        &[&drop_first, &drop_second],
    );

    let once = [&run("only")[..], &["drop only", "captured", "drop captured"]].concat();
    check(
        || {
            let captured = captured();
            consumed(async move |argument| {
                inner(argument).await;
                trace_name(&captured);
            })
        },
        &once,
        &[&["drop inner", "drop only", "drop captured"]],
    );
    // It gives away what it has captured.
    check(
        || {
            let captured = captured();
            consumed(async move |argument| {
                inner(argument).await;
                inner(captured).await;
            })
        },
        &[&run("only")[..], &["drop only"], &run("captured"), &["drop captured"]].concat(),
        &[&["drop inner", "drop only", "drop captured"], &["drop inner", "drop captured"]],
    );

    // A chain is one machine, whichever way it is called.
    let first = async |number: u32| {
        step("wait", 1).await;
        number
    };
    let second = async |number: u32| first(number + 1).await;
    let third = async |number: u32| second(number + 1).await;
    let size = size_of_val(&third(1));
    assert_eq!(size <= 48, cfg!(not(off)), "{size}");
    consumes(async move |number: u32| second(number + 1).await);
}

fn consumes(closure: impl AsyncFnOnce(u32) -> u32) {
    let mut future = Box::pin(closure(1));
    let size = size_of_val(&*future);
    assert_eq!(size <= 48, cfg!(not(off)), "{size}");
    assert_eq!(complete(future.as_mut(), 1), 3);
}
