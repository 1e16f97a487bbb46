// Bodies without an await, which wait all the same: for an `AsyncDrop` at their end.

//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no -Copt-level=1
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![crate_type = "lib"]
#![allow(incomplete_features)]
#![feature(async_drop)]

extern crate polling;

use std::future::AsyncDrop;
use std::pin::Pin;

pub struct Slow;

impl Drop for Slow {
    fn drop(&mut self) {
        unreachable!("it is dropped by an async body");
    }
}

impl AsyncDrop for Slow {
    async fn drop(self: Pin<&mut Self>) {
        polling::step("slow", 1).await;
    }
}

pub async fn local() -> u32 {
    let _local = Slow;
    1
}

pub async fn argument(_argument: Slow) -> u32 {
    2
}

pub async fn temporary() -> u32 {
    let _ = &Slow;
    3
}

pub async fn nested() -> u32 {
    local().await + temporary().await
}

pub async fn through<F: Future>(future: F) -> F::Output {
    future.await
}
