// What an async body does not need any more has its bytes used by what the body saves later. What
// it needs, or may reach by a pointer, stays.

//@ run-pass
//@ only-64bit
//@ edition: 2024
//@ aux-build: handing.rs
//@ aux-build: ../../returned-panic/auxiliary/polling.rs
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off levels levelz level3 abort all
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=s
//@[levels] compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=s -Cpanic=abort
//@[all] compile-flags: -Zasync-returned-panic=no-at-all-levels

extern crate handing;
extern crate polling;

use std::hint::black_box;
use std::pin::{Pin, pin};

use polling::{Traced, finish, once, poll_once, take_trace, trace};

type Block = [u64; 32];

fn block(first: u64) -> Block {
    std::array::from_fn(|index| black_box(first) + index as u64)
}

#[track_caller]
fn check(block: &Block, first: u64) {
    assert!(block.iter().enumerate().all(|(index, &it)| it == first + index as u64), "{block:?}");
}

/// Needs its argument to the end.
#[inline(never)]
async fn inner(block: Block, first: u64) {
    once().await;
    check(&block, first);
    once().await;
    check(&block, first);
}

async fn hands_on(block: Block) {
    inner(block, 10).await;
}

async fn hands_on_twice(block: Block) {
    hands_on_once_more(block).await;
}

#[inline(never)]
async fn hands_on_once_more(block: Block) {
    inner(block, 10).await;
}

/// Is borrowed before the first suspension point, and kept for that.
async fn sums_up(block: Block) -> u64 {
    let sum = block.iter().sum();
    let other = self::block(sum);
    once().await;
    check(&other, sum);
    sum
}

/// Is needed behind what might take its place.
async fn needs_later(block: Block) {
    inner(self::block(20), 20).await;
    check(&block, 10);
    inner(self::block(30), 30).await;
    check(&block, 10);
}

/// The first is needed for longer than the second.
fn in_turn(first: Block, second: Block) -> impl Future<Output = ()> {
    async move {
        inner(second, 20).await;
        inner(first, 10).await;
        inner(block(30), 30).await;
    }
}

/// A pointer leads to the upvar.
fn pointed_at(block: Block) -> impl Future<Output = ()> {
    async move {
        let pointer = black_box(&raw const block);
        inner(self::block(20), 20).await;
        check(unsafe { &*pointer }, 10);
    }
}

/// The pointer is read behind the last mention of what it leads to.
fn borrowed_and_moved(block: Block) -> impl Future<Output = ()> {
    async move {
        let mut block = block;
        let pointer = black_box(&raw mut block);
        inner(block, 10).await;
        unsafe { *pointer = self::block(40) };
        inner(self::block(20), 20).await;
        check(unsafe { &*pointer }, 40);
    }
}

/// Only a reference is captured.
fn by_reference(block: &mut Block) -> impl Future<Output = ()> {
    async {
        inner(*block, 10).await;
        *block = self::block(50);
        once().await;
        check(block, 50);
    }
}

async fn assigned_again(mut block: Block) {
    inner(block, 10).await;
    block = self::block(60);
    inner(self::block(20), 20).await;
    check(&block, 60);
}

async fn in_a_loop(block: Block) {
    for first in [20, 30] {
        inner(self::block(first), first).await;
        check(&block, 10);
    }
}

async fn on_one_way(block: Block, is_moved: bool) {
    if is_moved {
        inner(block, 10).await;
    } else {
        inner(self::block(20), 20).await;
        check(&block, 10);
    }
    inner(self::block(30), 30).await;
}

/// What is dropped is dropped once, and when it was.
struct Guarded(Block, #[allow(unused)] Traced);

fn guarded(name: &'static str) -> Guarded {
    Guarded(block(10), Traced(name))
}

#[inline(never)]
async fn keeps(guarded: Guarded) {
    once().await;
    check(&guarded.0, 10);
    trace("kept");
    once().await;
}

async fn keeps_one_of_two(first: Guarded, second: Guarded) {
    keeps(second).await;
    trace("between");
    let third = guarded("third");
    once().await;
    check(&third.0, 10);
    drop(first);
    once().await;
}

/// What happens if the future is dropped after so many polls.
fn cancelled(polls: usize) -> Vec<String> {
    {
        let mut future = pin!(keeps_one_of_two(guarded("first"), guarded("second")));
        for _ in 0..polls {
            assert!(poll_once(future.as_mut()).is_pending());
        }
        trace("cancel");
    }
    take_trace()
}

#[inline(never)]
async fn panics(guarded: Guarded) {
    once().await;
    check(&guarded.0, 10);
    panic!("as it should");
}

async fn hands_to_one_that_panics(first: Guarded, second: Guarded) {
    panics(second).await;
    drop(first);
}

fn boxed(future: impl Future<Output = ()> + 'static) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(future)
}

fn main() {
    let sizes = [
        (size_of_val(&hands_on(block(10))), 808, 280),
        (size_of_val(&hands_on_twice(block(10))), 1072, 288),
        (size_of_val(&sums_up(block(10))), 784, 528),
        (size_of_val(&in_turn(block(10), block(20))), 1064, 536),
    ];
    assert!(size_of_val(&handing::hands_on(block(10), 1u8)) < 2 * size_of::<Block>());
    for (index, (size, off, on)) in sizes.into_iter().enumerate() {
        if cfg!(off) {
            assert_eq!(size, off, "future {index}");
        } else {
            assert!(size <= on, "future {index} is {size}, and not {on}");
        }
    }

    finish(hands_on(block(10)));
    finish(hands_on_twice(block(10)));
    let (sum, kept) = finish(handing::hands_on(block(10), guarded("of another crate")));
    assert_eq!(sum, (10..42).sum::<u64>() + 1);
    check(&kept.0, 10);
    drop(kept);
    assert_eq!(take_trace(), ["drop of another crate"]);
    assert_eq!(finish(sums_up(block(10))), (10..42).sum());
    finish(needs_later(block(10)));
    finish(in_turn(block(10), block(20)));
    finish(pointed_at(block(10)));
    finish(borrowed_and_moved(block(10)));
    finish(by_reference(&mut block(10)));
    finish(assigned_again(block(10)));
    finish(in_a_loop(block(10)));
    finish(on_one_way(block(10), false));
    finish(on_one_way(block(10), true));

    finish(keeps_one_of_two(guarded("first"), guarded("second")));
    let whole = ["kept", "drop second", "between", "drop first", "drop third"];
    assert_eq!(take_trace(), whole);
    assert_eq!(cancelled(0), ["cancel", "drop first", "drop second"]);
    assert_eq!(cancelled(1), ["cancel", "drop second", "drop first"]);
    assert_eq!(cancelled(2), ["kept", "cancel", "drop second", "drop first"]);
    assert_eq!(
        cancelled(3),
        ["kept", "drop second", "between", "cancel", "drop third", "drop first"]
    );
    assert_eq!(
        cancelled(4),
        ["kept", "drop second", "between", "drop first", "cancel", "drop third"]
    );
    if !cfg!(abort) {
        let mut future = boxed(hands_to_one_that_panics(guarded("first"), guarded("second")));
        assert!(poll_once(future.as_mut()).is_pending());
        assert_eq!(
            polling::panic_message(|| poll_once(future.as_mut()).is_pending()),
            "as it should"
        );
        drop(future);
        assert_eq!(take_trace(), ["drop second", "drop first"]);
    }
}
