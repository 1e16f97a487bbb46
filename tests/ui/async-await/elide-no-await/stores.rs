// A body that stores to a static is more than the constant that it answers: the store happens,
// wherever the future is awaited, and once.

//@ run-pass
//@ revisions: one z three
//@ edition: 2024
//@ aux-build: stores.rs
//@ compile-flags: -Zasync-returned-panic=no -Zvalidate-mir -Zlint-mir
//@[one] compile-flags: -Copt-level=1
//@[z] compile-flags: -Copt-level=z
//@[three] compile-flags: -Copt-level=3

#![feature(async_iterator, gen_blocks)]

extern crate stores;

use std::async_iter::AsyncIterator;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

struct Pair(u8, u8);

static mut NUMBER: u8 = 0;
static mut PAIR: Pair = Pair(0, 0);
static mut ARRAY: [u8; 2] = [0; 2];

#[inline(never)]
async fn number() -> u8 {
    unsafe { NUMBER = 5 };
    7
}

#[inline(never)]
async fn field() -> u8 {
    unsafe { PAIR.1 = 6 };
    8
}

#[inline(never)]
async fn element() {
    unsafe { ARRAY[1] = 9 };
}

// It is not inlined into an `async gen fn`.
async fn inlined() -> u8 {
    unsafe { NUMBER += 1 };
    unsafe { PAIR.0 = 3 };
    1
}

async fn outer() -> u8 {
    let sum = number().await + field().await;
    element().await;
    sum + stores::number().await
}

async gen fn generates() -> u8 {
    yield number().await;
    yield inlined().await;
}

fn main() {
    let context = &mut Context::from_waker(Waker::noop());
    let mut future = pin!(outer());
    assert_eq!(future.as_mut().poll(context), Poll::Ready(18));
    assert_eq!(unsafe { (NUMBER, PAIR.1, ARRAY[1]) }, (5, 6, 9));
    assert_eq!(stores::stored(), 4);

    unsafe { NUMBER = 0 };
    assert_eq!(future.as_mut().poll(context), Poll::Pending);
    assert_eq!(unsafe { NUMBER }, 0);

    let mut iterator = pin!(generates());
    assert_eq!(iterator.as_mut().poll_next(context), Poll::Ready(Some(7)));
    assert_eq!(unsafe { NUMBER }, 5);
    assert_eq!(iterator.as_mut().poll_next(context), Poll::Ready(Some(1)));
    assert_eq!(unsafe { (NUMBER, PAIR.0) }, (6, 3));
}
