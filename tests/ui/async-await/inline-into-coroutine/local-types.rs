// A function of another crate is inlined for a type of this one, although nothing but its body
// names what that type has.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no-at-all-levels -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: fields.rs

extern crate fields;

use std::future::ready;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

struct Device;

impl fields::Has for Device {
    type Field = u32;
}

async fn size() -> usize {
    ready(()).await;
    fields::size_of_field::<Device>()
}

fn main() {
    let future = pin!(size());
    assert_eq!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(4));
}
