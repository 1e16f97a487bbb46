//! A combinator that waits before it awaits its future doubles it, and four of them make it 16
//! times as large. The forms are the smallest combinators that do so, or do not.
//!
//! <https://github.com/rust-lang/goals/issues/622>

#![no_std]
#![no_main]

#[cfg(feature = "plain-argument")]
use core::pin::Pin;

use complaints::{Wait, entry, hw_read};

#[cfg(not(any(
    feature = "pass",
    feature = "pinned",
    feature = "block",
    feature = "plain-argument",
    feature = "by-hand"
)))]
async fn after<F: Future<Output = u32>>(register: u32, future: F) -> u32 {
    Wait(register).await;
    future.await ^ register
}

#[cfg(feature = "pass")]
async fn after<F: Future<Output = u32>>(_: u32, future: F) -> u32 {
    future.await
}

#[cfg(feature = "pinned")]
async fn after<F: Future<Output = u32>>(register: u32, future: F) -> u32 {
    Wait(register).await;
    core::pin::pin!(future).await
}

#[cfg(feature = "block")]
fn after<F: Future<Output = u32>>(register: u32, future: F) -> impl Future<Output = u32> {
    async move {
        Wait(register).await;
        future.await
    }
}

#[cfg(feature = "plain-argument")]
async fn after<F: Future<Output = u32>>(register: u32, mut future: F) -> u32 {
    Wait(register).await;
    // SAFETY: it is not moved behind this.
    unsafe { Pin::new_unchecked(&mut future) }.await
}

#[cfg(not(feature = "by-hand"))]
async fn top() -> u32 {
    let blob = [hw_read(1); 256];
    let inner = async move {
        Wait(2).await;
        blob.iter().fold(hw_read(3), |sum, word| sum.wrapping_add(*word))
    };
    after(4, after(5, after(6, after(7, inner)))).await
}

#[cfg(feature = "by-hand")]
async fn top() -> u32 {
    let blob = [hw_read(1); 256];
    for register in [4, 5, 6, 7, 2] {
        Wait(register).await;
    }
    blob.iter().fold(hw_read(3), |sum, word| sum.wrapping_add(*word)) ^ 4 ^ 5 ^ 6 ^ 7
}

entry!(top);
