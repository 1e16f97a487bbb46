// What is dropped, and when, does not depend on whether an await may wait: not when the body
// completes, not when it is dropped at any of its suspension points, not when it panics. There is
// one expected trace for each with either setting, for bodies in which awaits that never wait and
// awaits that do take turns.

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

use std::pin::Pin;
use std::task::{Context, Poll};

use polling::{Traced, assert_pending_forever, panic_message, poll_once, step, take_trace, trace};

/// Polls `future` until it is ready, and compares the trace of each poll. Then does it all again,
/// once for each of the polls, and drops the future instead of polling it further: `dropped` is
/// what that leaves, first for one that was never polled, last for one that was ready.
#[track_caller]
fn check<F: Future<Output = ()>>(make: impl Fn() -> F, polls: &[&[&str]], dropped: &[&[&str]]) {
    assert_eq!(dropped.len(), polls.len() + 1);
    for (count, expected) in dropped.iter().enumerate() {
        let mut future = Box::pin(make());
        assert!(take_trace().is_empty());
        for (nth, &poll) in polls[..count].iter().enumerate() {
            assert_eq!(poll_once(future.as_mut()).is_ready(), nth + 1 == polls.len());
            assert_eq!(take_trace(), poll, "poll {nth}");
        }
        drop(future);
        assert_eq!(take_trace(), *expected, "dropped after {count} polls");
    }
}

/// Polls `future` until it panics, which is after `pending` times `Pending`, and compares the trace
/// of that. Then asks it again, and drops it, and nothing may happen.
#[track_caller]
fn check_panics(future: impl Future<Output = ()>, pending: usize, expected: &[&str]) {
    let mut future = Box::pin(future);
    for _ in 0..pending {
        assert!(poll_once(future.as_mut()).is_pending());
    }
    take_trace();
    assert_eq!(panic_message(|| poll_once(future.as_mut())), "broken");
    assert_eq!(take_trace(), expected);
    if cfg!(yes) {
        let message = panic_message(|| poll_once(future.as_mut()));
        assert_eq!(message, "`async fn` resumed after panicking");
    } else {
        assert_pending_forever(future.as_mut());
    }
    drop(future);
    assert!(take_trace().is_empty());
}

/// Never waits.
async fn at_once(_argument: Traced) -> Traced {
    let _local = Traced("local at once");
    trace("at once");
    Traced("output at once")
}

/// Waits once.
async fn waits(_argument: Traced) -> Traced {
    let _local = Traced("local waits");
    step("step", 1).await;
    Traced("output waits")
}

/// Never waits, and is traced as long as it is there.
struct Ready(#[allow(dead_code)] Traced);

impl Future for Ready {
    type Output = Traced;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Traced> {
        trace("ready");
        Poll::Ready(Traced("output ready"))
    }
}

const AT_ONCE: [&str; 3] = ["at once", "drop local at once", "drop argument"];

fn temporaries_and_outputs() {
    async fn keeps() {
        let _output = at_once(Traced("argument")).await;
        trace("kept");
    }
    check(keeps, &[&[&AT_ONCE[..], &["kept", "drop output at once"]].concat()], &[&[], &[]]);

    async fn discards() {
        at_once(Traced("argument")).await;
        let _ = at_once(Traced("argument")).await;
        trace("discarded");
    }
    let discard = [&AT_ONCE[..], &["drop output at once"]].concat();
    check(discards, &[&[&discard[..], &discard, &["discarded"]].concat()], &[&[], &[]]);

    /// A temporary of the statement outlives the await in it, and the awaitee does not.
    async fn temporary() {
        let _name = (Traced("temporary").0.len(), Ready(Traced("in ready")).await, trace("end"));
        trace("next");
    }
    check(
        temporary,
        &[&["ready", "drop in ready", "end", "drop temporary", "next", "drop output ready"]],
        &[&[], &[]],
    );

    async fn takes_turns() {
        let _both = (at_once(Traced("argument")).await, waits(Traced("argument")).await);
    }
    check(
        takes_turns,
        &[
            &[&AT_ONCE[..], &["poll step"]].concat(),
            &[
                "poll step",
                "drop step",
                "drop local waits",
                "drop argument",
                "drop output at once",
                "drop output waits",
            ],
        ],
        &[&[], &["drop step", "drop local waits", "drop argument", "drop output at once"], &[]],
    );
}

fn captures_and_locals() {
    async fn body(_first: Traced, _: Traced) {
        let _before = at_once(Traced("argument")).await;
        step("one", 1).await;
        let _between = Ready(Traced("in ready")).await;
        step("two", 1).await;
        drop(_before);
        Ready(Traced("in ready")).await;
    }
    check(
        || body(Traced("first"), Traced("unnamed")),
        &[
            &[&AT_ONCE[..], &["poll one"]].concat(),
            &["poll one", "drop one", "ready", "drop in ready", "poll two"],
            &[
                "poll two",
                "drop two",
                "drop output at once",
                "ready",
                "drop in ready",
                "drop output ready",
                "drop output ready",
                "drop unnamed",
                "drop first",
            ],
        ],
        &[
            &["drop first", "drop unnamed"],
            &["drop one", "drop output at once", "drop unnamed", "drop first"],
            &["drop two", "drop output ready", "drop output at once", "drop unnamed", "drop first"],
            &[],
        ],
    );

    /// Which await it stands at is up to the loop.
    async fn in_a_loop() {
        for pending in [0, 1] {
            let _each = at_once(Traced("argument")).await;
            step("each", pending).await;
        }
    }
    let first = [&AT_ONCE[..], &["poll each", "drop each", "drop output at once"]].concat();
    check(
        in_a_loop,
        &[
            &[&first[..], &AT_ONCE, &["poll each"]].concat(),
            &["poll each", "drop each", "drop output at once"],
        ],
        &[&[], &["drop each", "drop output at once"], &[]],
    );
}

/// What is inside of what is awaited is dropped with it.
fn nested() {
    async fn outer(_captured: Traced) {
        inner(Traced("inner captured")).await;
        at_once(Traced("argument")).await;
    }
    async fn inner(_captured: Traced) {
        let _output = Ready(Traced("in ready")).await;
        waits(at_once(Traced("argument")).await).await;
    }
    let waiting = ["drop step", "drop local waits", "drop output at once"];
    let inside = ["drop output ready", "drop inner captured"];
    check(
        || outer(Traced("captured")),
        &[
            &[&["ready", "drop in ready"], &AT_ONCE[..], &["poll step"]].concat(),
            &[
                &["poll step"],
                &waiting[..],
                &["drop output waits"],
                &inside,
                &AT_ONCE,
                &["drop output at once", "drop captured"],
            ]
            .concat(),
        ],
        &[&["drop captured"], &[&waiting[..], &inside, &["drop captured"]].concat(), &[]],
    );
}

fn broken() {
    panic!("broken");
}

async fn breaks(_argument: Traced) {
    let _local = Traced("inner local");
    broken();
    trace("not reached");
}

/// A future whose poll panics, and makes nothing but `Ready`.
struct BreaksWhenPolled(#[allow(dead_code)] Traced);

impl Future for BreaksWhenPolled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        broken();
        Poll::Ready(())
    }
}

struct BreaksWhenDropped;

impl Future for BreaksWhenDropped {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        trace("polled");
        Poll::Ready(())
    }
}

impl Drop for BreaksWhenDropped {
    fn drop(&mut self) {
        trace("breaks");
        broken();
    }
}

fn panics() {
    async fn before() {
        let _local = Traced("local");
        broken();
        breaks(Traced("argument")).await;
    }
    check_panics(before(), 0, &["drop local"]);

    async fn inside(_captured: Traced) {
        let _local = Traced("local");
        breaks(Traced("argument")).await;
        trace("not reached");
    }
    let unwound = ["drop inner local", "drop argument", "drop local", "drop captured"];
    check_panics(inside(Traced("captured")), 0, &unwound);

    async fn deeper() {
        inside(Traced("captured")).await;
    }
    check_panics(deeper(), 0, &unwound);

    async fn after_waiting() {
        let _first = waits(Traced("argument")).await;
        take_trace();
        deeper().await;
    }
    check_panics(after_waiting(), 1, &[&unwound[..], &["drop output waits"]].concat());

    async fn after() {
        let _output = at_once(Traced("argument")).await;
        broken();
    }
    check_panics(after(), 0, &[&AT_ONCE[..], &["drop output at once"]].concat());

    async fn by_hand() {
        let _local = Traced("local");
        BreaksWhenPolled(Traced("in future")).await;
    }
    check_panics(by_hand(), 0, &["drop in future", "drop local"]);

    async fn when_dropped() {
        let _local = Traced("local");
        BreaksWhenDropped.await;
        trace("not reached");
    }
    check_panics(when_dropped(), 0, &["polled", "breaks", "drop local"]);

    async fn argument() {
        at_once((Traced("temporary"), broken()).0).await;
    }
    check_panics(argument(), 0, &["drop temporary"]);
}

fn main() {
    temporaries_and_outputs();
    captures_and_locals();
    nested();
    panics();
}
