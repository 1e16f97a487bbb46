//! To await an async fn that never waits, in an endless loop, brings in a panic.
//!
//! <https://github.com/rust-lang/rust/issues/71093>

#![no_std]
#![no_main]

#[cfg(feature = "by-hand")]
use core::pin::Pin;
#[cfg(feature = "by-hand")]
use core::task::{Context, Poll};

use complaints::{entry, hw_read, hw_write};

#[cfg(not(feature = "by-hand"))]
async fn step(value: u32) -> u32 {
    hw_write(1, value);
    hw_read(2)
}

#[cfg(feature = "by-hand")]
fn step(value: u32) -> Step {
    Step(value)
}

#[cfg(feature = "by-hand")]
struct Step(u32);

#[cfg(feature = "by-hand")]
impl Future for Step {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        hw_write(1, self.0);
        Poll::Ready(hw_read(2))
    }
}

async fn top() -> u32 {
    let mut value = 0;
    loop {
        value = step(value).await;
    }
}

entry!(top);
