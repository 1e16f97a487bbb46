// Its futures have no more state than they need, whatever the crate chose that uses them.

//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no -Copt-level=3
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![crate_type = "lib"]
#![allow(async_fn_in_trait)]

extern crate polling;

mod bodies;

pub use bodies::*;
