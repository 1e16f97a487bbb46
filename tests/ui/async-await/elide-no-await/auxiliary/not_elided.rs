// Its futures answer `Pending` in the end, but are not optimized.

//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no -Copt-level=0
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![crate_type = "lib"]
#![allow(async_fn_in_trait)]

extern crate polling;

mod bodies;

pub use bodies::*;
