// Its bodies answer `Pending`, whatever the crate chose that uses them.

//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no
//@ aux-build: polling.rs

#![crate_type = "lib"]
#![allow(async_fn_in_trait)]
#![feature(gen_blocks)]

extern crate polling;

mod bodies;

pub use bodies::*;

/// The body belongs to the crate in which the macro is called.
#[macro_export]
macro_rules! block {
    () => {
        async { $crate::plain().await }
    };
}
