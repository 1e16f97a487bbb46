// `-Zprint-type-sizes` shows the two states of a future which never waits, but whose body must not
// be run again. There is none to be poisoned in, and none to wait in.

//@ build-pass
//@ edition: 2024
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no -Copt-level=1
//@ compile-flags: -Zprint-type-sizes

#![crate_type = "lib"]
#![feature(const_async_blocks)]
#![no_std]

use core::hint::black_box;
use core::mem::ManuallyDrop;

const fn with_capture(a: u8) -> usize {
    size_of_val(&ManuallyDrop::new(async move { black_box(a) }))
}

pub const WITH_CAPTURE: usize = with_capture(1);
