// A constant of a type may be as large as the future that is laid out. An instance that has one is
// not inlined into that future. (`layout-of-types.rs` has types in its place.)

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![feature(min_generic_const_args)]
#![allow(incomplete_features)]

extern crate polling;

use std::pin::pin;

use polling::{complete, step};

const fn size_of_made<R>(_: fn() -> R) -> usize {
    size_of::<R>()
}

trait Make {
    type const LENGTH: usize;
}

const SIZE: usize = size_of_made(outer);

struct Device;

impl Make for Device {
    type const LENGTH: usize = const { SIZE };
}

async fn inner<M: Make>() -> usize {
    let number = {
        let array: Option<Box<[u8; <M as Make>::LENGTH]>> = None;
        array.map_or(5, |array| array.len())
    };
    step("", 1).await;
    number
}

async fn outer() -> usize {
    inner::<Device>().await
}

fn main() {
    assert_eq!(complete(pin!(outer()), 1), 5);
}
