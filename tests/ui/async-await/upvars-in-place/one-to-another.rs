// An argument that is assigned to another: both are left where they were captured, and MIR knows no
// assignment of a part of a local to another part of it. It was found by async-fuzz, seed 30000857.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zasync-returned-panic=no -Zvalidate-mir -Zlint-mir
//@ revisions: level2 levelz inline
//@[level2] compile-flags: -Copt-level=2
//@[levelz] compile-flags: -Copt-level=z
//@[inline] compile-flags: -Copt-level=2
//@[inline] compile-flags: -Zmir-enable-passes=-ElideNoAwait,-CollapseSuspensionPoints
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate polling;

use std::pin::pin;

use polling::{complete, once};

/// It is inlined, and with that go the temporaries between one local and another.
async fn wait() {
    once().await
}

async fn to_array(number: u32, mut array: [u32; 3], index: usize) -> [u32; 4] {
    array[index] = number;
    wait().await;
    [array[0], array[1], array[2], number]
}

async fn to_tuple(number: u32, mut tuple: (u32, Option<u32>)) -> (u32, u32, Option<u32>) {
    tuple.0 = number;
    tuple.1 = Some(number);
    wait().await;
    (number, tuple.0, tuple.1)
}

async fn to_whole(number: u32, mut other: u32) -> (u32, u32) {
    other = if other > 5 { number } else { other };
    wait().await;
    (number, other)
}

fn run<F: Future>(future: F) -> F::Output {
    complete(pin!(future), 1)
}

fn main() {
    assert_eq!(run(to_array(7, [1, 2, 3], 1)), [1, 7, 3, 7]);
    assert_eq!(run(to_tuple(7, (1, None))), (7, 7, Some(7)));
    assert_eq!(run(to_whole(7, 6)), (7, 7));
    assert_eq!(run(to_whole(7, 5)), (7, 5));
}
