// A body without an await may wait nevertheless, for an `AsyncDrop` of what it drops. Whoever
// awaits it has to, too, also in a crate that knows nothing of such drops.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
// That the crate depends on one with async drops, and does not have any, is worth a warning.
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Awarnings
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: ../../returned-panic/auxiliary/polling.rs
//@ aux-build: drops_slowly.rs

extern crate drops_slowly;
extern crate polling;

use std::pin::pin;

use drops_slowly::{Slow, argument, local, nested, temporary};
use polling::{complete, take_trace};

/// `future` waits for as many async drops.
#[track_caller]
fn check(future: impl Future<Output = u32>, drops: usize, output: u32) {
    assert_eq!(complete(pin!(future), drops), output);
    assert_eq!(take_trace(), ["poll slow", "poll slow", "drop slow"].repeat(drops));
}

/// What this crate drops of that one is dropped asynchronously as well.
async fn own(_argument: Slow) -> u32 {
    let _local = Slow;
    5
}

async fn through<F: Future>(future: F) -> F::Output {
    future.await
}

fn main() {
    check(local(), 1, 1);
    check(async { local().await }, 1, 1);
    check(async { temporary().await }, 1, 3);
    check(async { argument(Slow).await }, 1, 2);
    check(async { nested().await }, 2, 4);
    check(through(local()), 1, 1);
    check(through(through(nested())), 2, 4);
    check(drops_slowly::through(local()), 1, 1);
    check(own(Slow), 2, 5);
    check(async { own(Slow).await }, 2, 5);
    check(through(own(Slow)), 2, 5);
}
