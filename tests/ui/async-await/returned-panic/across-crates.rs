// Crates with different settings work together, in both directions: whether a finished or broken
// future answers `Pending` or panics is settled by the crate that defines its body, also where
// another crate instantiates, inlines, awaits or boxes it. Layout and drop are the same for all.

//@ run-pass
//@ needs-unwind
//@ edition: 2024
//@ revisions: yes no yes_o0 no_o0
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no
//@[yes_o0] compile-flags: -Zasync-returned-panic=yes -Copt-level=0
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@ aux-build: polling.rs
//@ aux-build: answers_pending.rs
//@ aux-build: answers_panic.rs

extern crate answers_panic;
extern crate answers_pending;
extern crate polling;

use std::pin::{Pin, pin};
use std::task::Poll;

use polling::{
    Traced, assert_pending_forever, complete, panic_message, poll_next_once, poll_once, step,
    take_trace,
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Pending,
    Panic,
}

use Answer::{Panic, Pending};

/// What the bodies answer that are defined here.
const HERE: Answer = if cfg!(any(no, no_o0)) { Pending } else { Panic };

#[track_caller]
fn check_next_poll(mut future: Pin<&mut impl Future>, expected: Answer, message: &str) {
    take_trace();
    match expected {
        Pending => assert_pending_forever(future.as_mut()),
        Panic => assert_eq!(panic_message(|| poll_once(future.as_mut())), message),
    }
    assert!(take_trace().is_empty());
}

/// `future` is ready at the second poll, and gives the `expected` answer from then on.
#[track_caller]
fn after_completion(future: impl Future, expected: Answer) {
    let mut future = Box::pin(future);
    complete(future.as_mut(), 1);
    check_next_poll(future.as_mut(), expected, "`async fn` resumed after completion");
    drop(future);
    assert!(take_trace().is_empty());
}

/// `future` panics at the second poll, and gives the `expected` answer from then on.
#[track_caller]
fn after_panic(future: impl Future, expected: Answer) {
    let mut future = Box::pin(future);
    assert!(poll_once(future.as_mut()).is_pending());
    assert_eq!(panic_message(|| poll_once(future.as_mut())), "broken");
    check_next_poll(future.as_mut(), expected, "`async fn` resumed after panicking");
    drop(future);
    assert!(take_trace().is_empty());
}

/// `future` drops what it holds when it is dropped while it is suspended.
#[track_caller]
fn while_suspended(future: impl Future, expected: &[&str]) {
    let mut future = Box::pin(future);
    assert!(poll_once(future.as_mut()).is_pending());
    take_trace();
    drop(future);
    assert_eq!(take_trace(), expected);
}

async fn plain_here() -> u32 {
    step("here", 1).await;
    1
}

async fn breaks_here() {
    step("here", 1).await;
    panic!("broken");
}

/// A type of this crate, to instantiate generic bodies with.
struct Local(#[allow(dead_code)] Traced);

impl answers_pending::Read for Local {}
impl answers_panic::Read for Local {}

macro_rules! check_crate {
    ($krate:ident, $there:expr) => {{
        use $krate as there;

        after_completion(there::plain(), $there);
        after_completion(there::generic(Local(Traced("argument"))), $there);
        after_completion(there::inlined(), $there);
        after_completion(there::closure()(1), $there);
        after_completion(there::boxed(), $there);
        after_completion(there::Read::read(&Local(Traced("reader"))), $there);

        after_panic(there::breaks(1), $there);
        after_panic(there::breaks(Local(Traced("argument"))), $there);

        // The outermost body answers, whoever defined the one it awaits.
        after_completion(there::through(plain_here()), $there);
        after_completion(async { there::plain().await }, HERE);
        after_completion(async { there::through(plain_here()).await }, HERE);
        after_panic(there::through(breaks_here()), $there);
        after_panic(async { there::breaks(()).await }, HERE);

        let mut items = pin!(there::breaking_gen(1));
        assert_eq!(poll_next_once(items.as_mut()), Poll::Ready(Some(1)));
        assert_eq!(panic_message(|| poll_next_once(items.as_mut())), "broken");
        match $there {
            Pending => assert_eq!(poll_next_once(items.as_mut()), Poll::Pending),
            Panic => assert_eq!(
                panic_message(|| poll_next_once(items.as_mut())),
                "`async gen fn` resumed after panicking"
            ),
        }

        while_suspended(there::plain(), &["drop plain", "drop plain local"]);
        while_suspended(
            there::through(there::generic(Local(Traced("argument")))),
            &["drop generic", "drop generic local", "drop argument"],
        );
    }};
}

fn main() {
    after_completion(plain_here(), HERE);
    after_panic(breaks_here(), HERE);

    check_crate!(answers_pending, Pending);
    check_crate!(answers_panic, Panic);

    // A body that a macro of another crate expands to is defined here.
    after_completion(answers_pending::block!(), HERE);

    // The two crates' bodies are the same, and so are their layouts.
    assert_eq!(size_of_val(&answers_pending::plain()), size_of_val(&answers_panic::plain()));
    assert_eq!(
        size_of_val(&answers_pending::generic(1_u16)),
        size_of_val(&answers_panic::generic(1_u16))
    );
}
