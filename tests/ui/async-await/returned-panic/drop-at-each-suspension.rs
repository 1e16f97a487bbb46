// What a cancelled future drops, and in which order, is the same with either setting: one expected
// trace for each number of polls before the drop, from none to after completion.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no no_o0 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: polling.rs

extern crate polling;

use std::task::Poll;

use polling::{Traced, assert_pending_forever, poll_once, step, take_trace};

async fn inner(_argument: Traced) -> Traced {
    let _local = Traced("inner local");
    step("inner", 1).await;
    Traced("inner output")
}

async fn body(_argument: Traced, _: Traced) -> Traced {
    let first = Traced("first");
    step("one", 1).await;
    let inner_output = inner(Traced("inner argument")).await;
    drop(first);
    for name in ["loop one", "loop two"] {
        let _item = Traced(name);
        step("loop", 1).await;
    }
    let _last = Traced("last");
    step("end", 1).await;
    inner_output
}

/// What dropping the future drops after as many polls; the last of them is `Ready`.
const DROPPED: [&[&str]; 7] = [
    &["drop argument", "drop unnamed"],
    &["drop one", "drop first", "drop unnamed", "drop argument"],
    &[
        "drop inner",
        "drop inner local",
        "drop inner argument",
        "drop first",
        "drop unnamed",
        "drop argument",
    ],
    &["drop loop", "drop loop one", "drop inner output", "drop unnamed", "drop argument"],
    &["drop loop", "drop loop two", "drop inner output", "drop unnamed", "drop argument"],
    &["drop end", "drop last", "drop inner output", "drop unnamed", "drop argument"],
    &[],
];

fn main() {
    for (polls, expected) in DROPPED.iter().enumerate() {
        let mut future = Box::pin(body(Traced("argument"), Traced("unnamed")));
        let mut output = None;
        for nth in 1..=polls {
            match poll_once(future.as_mut()) {
                Poll::Pending => assert!(nth < DROPPED.len() - 1),
                Poll::Ready(ready) => {
                    assert_eq!(nth, DROPPED.len() - 1);
                    output = Some(ready);
                }
            }
        }
        if output.is_some() && !cfg!(yes) {
            assert_pending_forever(future.as_mut());
        }

        take_trace();
        drop(future);
        assert_eq!(take_trace(), *expected, "dropped after {polls} polls");

        // The output was moved out and is the caller's to drop.
        let owned = output.is_some();
        drop(output);
        assert_eq!(take_trace(), if owned { &["drop inner output"][..] } else { &[] });
    }
}
