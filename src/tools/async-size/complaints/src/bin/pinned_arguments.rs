//! Arguments that are pinned one after the other are kept twice; in another form the async fn that
//! pins them is awaited by one more.
//!
//! There is no public report; it was found by measuring.

#![no_std]
#![no_main]

use core::pin::Pin;
#[cfg(feature = "by-hand")]
use core::task::Context;
use core::task::Poll;

use complaints::{Wait, entry, hw_read, hw_write};

#[cfg(not(feature = "by-hand"))]
async fn select<A: Future, B: Future>(a: A, b: B) -> Option<A::Output> {
    let mut a = core::pin::pin!(a);
    let mut b = core::pin::pin!(b);
    core::future::poll_fn(move |cx| {
        if let Poll::Ready(answer) = Pin::as_mut(&mut a).poll(cx) {
            return Poll::Ready(Some(answer));
        }
        b.as_mut().poll(cx).map(|_| None)
    })
    .await
}

#[cfg(feature = "by-hand")]
fn select<A: Future, B: Future>(a: A, b: B) -> Select<A, B> {
    Select(a, b)
}

#[cfg(feature = "by-hand")]
struct Select<A, B>(A, B);

#[cfg(feature = "by-hand")]
impl<A: Future, B: Future> Future for Select<A, B> {
    type Output = Option<A::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the futures are not moved.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        if let Poll::Ready(answer) = unsafe { Pin::new_unchecked(&mut this.0) }.poll(cx) {
            return Poll::Ready(Some(answer));
        }
        // SAFETY: as above.
        unsafe { Pin::new_unchecked(&mut this.1) }.poll(cx).map(|_| None)
    }
}

#[cfg(all(feature = "nested", not(feature = "by-hand")))]
async fn run<A: Future, B: Future>(a: A, b: B) -> Option<A::Output> {
    select(a, b).await
}

#[cfg(not(all(feature = "nested", not(feature = "by-hand"))))]
use select as run;

async fn stop() {
    Wait(1).await;
}

async fn big() {
    let bytes = [hw_read(2) as u8; 1000];
    Wait(2).await;
    hw_write(3, bytes[hw_read(3) as usize % 1000].into());
}

async fn top() -> u32 {
    run(stop(), big()).await.is_some().into()
}

entry!(top);
