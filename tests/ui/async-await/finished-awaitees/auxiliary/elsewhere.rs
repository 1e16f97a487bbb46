// A crate with the default, which panics when it is polled too often.

//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zasync-returned-panic=yes

#![crate_type = "lib"]

use std::pin::Pin;

/// Calls the function when it is dropped.
pub struct Held(pub fn());

impl Drop for Held {
    fn drop(&mut self) {
        (self.0)();
    }
}

pub async fn holds(_held: Held, wait: Pin<Box<dyn Future<Output = ()>>>) -> u32 {
    wait.await;
    4
}
