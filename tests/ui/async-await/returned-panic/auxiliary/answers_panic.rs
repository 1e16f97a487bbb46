// Its bodies panic as they do by default, whatever the crate chose that uses them.

//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ aux-build: polling.rs

#![crate_type = "lib"]
#![allow(async_fn_in_trait)]
#![feature(gen_blocks)]

extern crate polling;

mod bodies;

pub use bodies::*;
