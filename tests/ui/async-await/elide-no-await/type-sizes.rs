// `-Zprint-type-sizes` shows what is left of a future whose body only computes from constants:
// nothing. One that gives what it has captured has two states.

//@ build-pass
//@ edition: 2024
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no -Copt-level=1
//@ compile-flags: -Zprint-type-sizes -Coverflow-checks=off

#![crate_type = "lib"]
#![feature(const_async_blocks)]
#![no_std]

use core::mem::ManuallyDrop;

pub const FIVE: usize = size_of_val(&ManuallyDrop::new(async { 5 }));

const fn with_captures(a: u8, b: u32) -> usize {
    size_of_val(&ManuallyDrop::new(async move { a as u32 ^ b }))
}

pub const WITH_CAPTURES: usize = with_captures(1, 2);
