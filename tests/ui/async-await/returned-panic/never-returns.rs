// `Pending` needs no value of the output type. A future whose output is uninhabited cannot finish,
// but it can panic, and with `-Zasync-returned-panic=no` it answers `Pending` from then on.

//@ run-pass
//@ needs-unwind
//@ edition: 2024
//@ revisions: o0 o3 oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no
//@[o0] compile-flags: -Copt-level=0
//@[o3] compile-flags: -Copt-level=3
//@[oz] compile-flags: -Copt-level=z
//@ aux-build: polling.rs

extern crate polling;

use std::convert::Infallible;

use polling::{Traced, assert_pending_forever, panic_message, poll_once, step, take_trace};

/// An uninhabited type that is not zero-sized.
struct Impossible(#[allow(dead_code)] u64, #[allow(dead_code)] Infallible);

async fn at_once() -> ! {
    let _local = Traced("local");
    panic!("broken");
}

async fn never(pending: usize) -> ! {
    let _local = Traced("local");
    step("await", pending).await;
    panic!("broken");
}

async fn infallible(pending: usize) -> Infallible {
    let _local = Traced("local");
    step("await", pending).await;
    panic!("broken");
}

async fn impossible(pending: usize) -> Impossible {
    let _local = Traced("local");
    step("await", pending).await;
    panic!("broken");
}

/// Its output is inhabited, but no `Ready` is ever reached.
async fn forever() -> u32 {
    let _local = Traced("local");
    loop {
        step("await", 1).await;
        if std::hint::black_box(true) {
            panic!("broken");
        }
    }
}

/// Awaits what cannot finish.
async fn outer() -> String {
    let _local = Traced("outer local");
    match infallible(1).await {}
}

#[track_caller]
fn check<T>(future: impl Future<Output = T>, pending: usize, dropped: &[&str]) {
    take_trace();
    let mut future = Box::pin(future);
    for _ in 0..pending {
        assert!(poll_once(future.as_mut()).is_pending());
    }
    assert_eq!(panic_message(|| poll_once(future.as_mut())), "broken");
    let mut trace = take_trace();
    trace.retain(|event| event.starts_with("drop"));
    assert_eq!(trace, dropped);

    assert_pending_forever(future.as_mut());
    drop(future);
    assert!(take_trace().is_empty());
}

fn main() {
    check(at_once(), 0, &["drop local"]);
    check(never(1), 1, &["drop await", "drop local"]);
    check(infallible(2), 2, &["drop await", "drop local"]);
    check(impossible(1), 1, &["drop await", "drop local"]);
    check(forever(), 1, &["drop await", "drop local"]);
    check(outer(), 1, &["drop await", "drop local", "drop outer local"]);
    check(async { at_once().await }, 0, &["drop local"]);
    check((async || -> Infallible { never(1).await })(), 1, &["drop await", "drop local"]);
}
