//! `with_timeout`, written as an async fn, keeps its future twice.
//!
//! <https://github.com/embassy-rs/embassy/pull/4123>, and as well
//! <https://github.com/rtic-rs/rtic/issues/910>, <https://github.com/sammhicks/picoserve/issues/118>

#![no_std]
#![no_main]

use core::pin::Pin;
#[cfg(feature = "by-hand")]
use core::task::Context;
use core::task::Poll;

use complaints::{Wait, entry, hw_read};

async fn job(register: u32) -> Result<u32, u32> {
    let mut samples = [0u32; 48];
    for sample in &mut samples {
        *sample = hw_read(register);
    }
    Wait(register).await;
    let sum = samples.iter().fold(hw_read(register), |sum, sample| sum ^ sample);
    if sum & 3 == 0 { Err(sum) } else { Ok(sum) }
}

#[cfg(not(feature = "by-hand"))]
async fn with_timeout<F: Future>(at: u32, future: F) -> Result<F::Output, ()> {
    let mut timer = Wait(at);
    let mut future = core::pin::pin!(future);
    core::future::poll_fn(|cx| {
        if let Poll::Ready(answer) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(answer));
        }
        Pin::new(&mut timer).poll(cx).map(Err)
    })
    .await
}

#[cfg(feature = "by-hand")]
fn with_timeout<F: Future>(at: u32, future: F) -> Timeout<F> {
    Timeout(future, Wait(at))
}

#[cfg(feature = "by-hand")]
struct Timeout<F>(F, Wait);

#[cfg(feature = "by-hand")]
impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, ()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the future is not moved.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        if let Poll::Ready(answer) = unsafe { Pin::new_unchecked(&mut this.0) }.poll(cx) {
            return Poll::Ready(Ok(answer));
        }
        Pin::new(&mut this.1).poll(cx).map(Err)
    }
}

async fn top() -> u32 {
    let a = with_timeout(70, job(1)).await;
    let b = with_timeout(71, job(2)).await;
    match (a, b) {
        (Ok(Ok(sum)), _) | (_, Ok(Ok(sum))) => sum,
        (Ok(Err(error)), Ok(Err(_))) => error,
        _ => 0,
    }
}

entry!(top);
