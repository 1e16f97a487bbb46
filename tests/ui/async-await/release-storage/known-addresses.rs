// What a program knows of the address of a local stays true as long as the local has storage: where
// it is aligned to more than it has to be, and that it is not where another local is.

//@ run-pass
//@ only-64bit
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level1 level2 level3 levels levelz abort all
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=2
//@[level1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[levels] compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Cpanic=abort
//@[all] compile-flags: -Zasync-returned-panic=no-at-all-levels
//@ aux-build: lend.rs
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![allow(dead_code)]

extern crate lend;
extern crate polling;

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use lend::Request;
use polling::once;

#[repr(align(64))]
struct Line([u8; 64]);

/// An address that is no local's.
const MIDDLE: *const Request = std::ptr::without_provenance(0x7ff0_0000_0000);

#[derive(Clone, Copy)]
union Number<'a> {
    reference: &'a [u8; 64],
    number: usize,
}

/// How often what is known of the address of a buffer is not true any more.
async fn aligned() -> u32 {
    let mut buffer = black_box([0; 64]);
    let at_first = (&raw const buffer).cast::<Line>().is_aligned();
    let mut changes = 0;
    for number in 0..8 {
        once().await;
        buffer = black_box([number; 64]);
        changes += u32::from((&raw const buffer).cast::<Line>().is_aligned() != at_first);
    }
    changes
}

async fn by_union() -> u32 {
    let mut buffer = black_box([0; 64]);
    let at_first = unsafe { Number { reference: &buffer }.number };
    let mut changes = 0;
    for number in 0..8 {
        once().await;
        buffer = black_box([number; 64]);
        changes += u32::from(unsafe { Number { reference: &buffer }.number } != at_first);
    }
    changes
}

async fn by_transmute() -> u32 {
    let mut buffer = black_box([0; 64]);
    let at_first: [u8; 8] = unsafe { std::mem::transmute(&raw const buffer) };
    let mut changes = 0;
    for number in 0..8 {
        once().await;
        buffer = black_box([number; 64]);
        let now: [u8; 8] = unsafe { std::mem::transmute(&raw const buffer) };
        changes += u32::from(now != at_first);
    }
    changes
}

async fn by_another_crate() -> u32 {
    let mut request = black_box(Request::new(1));
    let is_first = request.is_below(MIDDLE);
    let number = request.number();
    let mut changes = 0;
    for id in 0..8 {
        once().await;
        request = black_box(Request::new(id));
        changes += u32::from(request.number() != number);
        changes += u32::from(request.is_below(MIDDLE) != is_first);
    }
    changes
}

async fn by_length() -> u32 {
    let mut request = black_box(Request::new(1));
    let length = request.number_as_length();
    let mut changes = 0;
    for id in 0..8 {
        once().await;
        request = black_box(Request::new(id));
        changes += u32::from(request.number_as_length() != length);
    }
    changes
}

/// Two locals that have storage are in different places.
async fn distinct() -> u32 {
    let first = black_box([1_u64; 8]);
    once().await;
    let address = (&raw const first).addr();
    let mut known = 0;
    for bit in 0..usize::BITS {
        if address >> bit & 1 != 0 {
            known |= 1 << bit;
        }
    }
    let mut second = black_box([first[0] + 1; 8]);
    let other = (&raw const second).addr();
    once().await;
    second[1] = 3;
    black_box(second);
    u32::from(known == other)
}

/// Polls at another depth of the stack each time.
fn poll_at<F: Future>(future: Pin<&mut F>, depth: usize) -> Poll<F::Output> {
    black_box(&[0_u8; 16]);
    if depth == 0 {
        return future.poll(&mut Context::from_waker(Waker::noop()));
    }
    let answer = poll_at(future, depth - 1);
    black_box(&[0_u8; 16]);
    answer
}

fn finish_at_depths<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for depth in 0.. {
        if let Poll::Ready(answer) = poll_at(future.as_mut(), depth) {
            return answer;
        }
    }
    unreachable!()
}

fn main() {
    assert_eq!(finish_at_depths(aligned()), 0);
    assert_eq!(finish_at_depths(by_union()), 0);
    assert_eq!(finish_at_depths(by_transmute()), 0);
    assert_eq!(finish_at_depths(by_another_crate()), 0);
    assert_eq!(finish_at_depths(by_length()), 0);
    assert_eq!(finish_at_depths(distinct()), 0);
}
