// A local that was lent to what keeps no address is not saved when it is needed no more.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level2 level3 levels levelz abort zabort all
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=2
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[levels] compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Cpanic=abort
//@[zabort] compile-flags: -Zasync-returned-panic=no -Copt-level=z -Cpanic=abort
//@[all] compile-flags: -Zasync-returned-panic=no-at-all-levels
//@ aux-build: lend.rs
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate lend;
extern crate polling;

use std::hint::black_box;

use lend::Request;
use polling::{finish, once};

/// It is moved on, and no place is kept for what it was.
async fn moved() -> u32 {
    let request = black_box(Request::new(1));
    let id = request.id() + request.twice();
    let moved = request;
    once().await;
    moved.id() + id
}

/// The same where it is handed to functions by value.
async fn handed_on() -> u32 {
    let request = black_box(Request::new(2));
    let id = request.identity().id();
    let next = black_box(request);
    once().await;
    let id = id + next.part().length;
    let last = black_box(next);
    once().await;
    last.id() + id
}

/// It is needed no more, although its scope has not ended.
async fn used_up() -> u32 {
    let first = black_box(Request::new(3));
    once().await;
    let mut id = first.id();
    let second = black_box(Request::new(4));
    once().await;
    id += second.identity().id();
    let third = black_box(Request::new(5));
    once().await;
    id + third.twice()
}

/// It gets another value in each iteration.
async fn in_a_loop() -> u32 {
    let mut request = black_box(Request::new(0));
    let mut sum = 0;
    for id in 1..=3 {
        sum += request.id();
        let moved = request;
        once().await;
        request = black_box(moved);
        request.set(id);
    }
    sum + request.id()
}

/// A drop flag says whether it was moved, which MIR does not know where the future is dropped.
async fn with_drop_flag() -> usize {
    let lines = black_box([const { String::new() }; 8]);
    once().await;
    let mut length = lines.len();
    if black_box(true) {
        drop(lines);
        let request = black_box(Request::new(1));
        once().await;
        length += request.body().len();
    }
    once().await;
    length
}

fn main() {
    let request = size_of::<Request>();
    for (size, at_most) in [
        (size_of_val(&moved()), request),
        (size_of_val(&handed_on()), request),
        (size_of_val(&used_up()), request),
        (size_of_val(&in_a_loop()), request),
        (size_of_val(&with_drop_flag()), request),
    ] {
        let is_larger = size > at_most + 40;
        assert_eq!(is_larger, cfg!(off), "{size} bytes for {at_most}");
    }
    assert_eq!(finish(moved()), 4);
    assert_eq!(finish(handed_on()), 6);
    assert_eq!(finish(used_up()), 17);
    assert_eq!(finish(in_a_loop()), 6);
    assert_eq!(finish(with_drop_flag()), 71);
}
