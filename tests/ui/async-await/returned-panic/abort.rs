// With `-Cpanic=abort` there is no poisoned state, but a future can still be polled after
// completion: with the default that aborts the process, with `-Zasync-returned-panic=no` it is
// `Pending` there too.

//@ run-pass
//@ needs-subprocess
//@ no-prefer-dynamic
//@ edition: 2024
//@ revisions: yes no no_o0 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Cpanic=abort
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: polling.rs

#![feature(gen_blocks)]

extern crate polling;

use std::env;
use std::pin::pin;
use std::process::Command;
use std::task::Poll;

use polling::{
    FOREVER, Traced, assert_pending_forever, complete, poll_next_once, step, take_trace,
};

async fn body(_argument: Traced) -> String {
    step("await", 1).await;
    String::from("output")
}

/// Leaves the process that runs it alive if a finished future is `Pending`, and aborts it if not.
fn poll_after_completion() {
    let mut future = Box::pin(body(Traced("argument")));
    assert_eq!(complete(future.as_mut(), 1), "output");
    take_trace();
    assert_pending_forever(future.as_mut());
    drop(future);
    assert!(take_trace().is_empty());

    let mut block = pin!(async { body(Traced("argument")).await });
    complete(block.as_mut(), 1);
    assert_pending_forever(block);

    let closure = async |argument| body(argument).await;
    let mut future = pin!(closure(Traced("argument")));
    complete(future.as_mut(), 1);
    assert_pending_forever(future);
}

/// An `async gen` and a `gen` end in `None` with either setting.
fn iterators() {
    let mut items = pin!(async gen {
        step("await", 1).await;
        yield 1;
    });
    assert_eq!(poll_next_once(items.as_mut()), Poll::Pending);
    assert_eq!(poll_next_once(items.as_mut()), Poll::Ready(Some(1)));
    for _ in 0..FOREVER {
        assert_eq!(poll_next_once(items.as_mut()), Poll::Ready(None));
    }

    let mut items = gen {
        yield 1;
    };
    assert_eq!(items.next(), Some(1));
    for _ in 0..FOREVER {
        assert_eq!(items.next(), None);
    }
}

fn main() {
    if env::args().nth(1).is_some() {
        poll_after_completion();
        return;
    }

    iterators();

    let child = Command::new(env::current_exe().unwrap()).arg("child").output().unwrap();
    let stderr = String::from_utf8(child.stderr).unwrap();
    if cfg!(yes) {
        assert!(!child.status.success());
        assert!(stderr.contains("`async fn` resumed after completion"), "{stderr}");
    } else {
        assert!(child.status.success(), "{stderr}");
        assert!(stderr.is_empty(), "{stderr}");
    }
}
