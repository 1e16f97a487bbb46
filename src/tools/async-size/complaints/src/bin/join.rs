//! `join`, written as an async fn over two futures, keeps both of them twice.
//!
//! <https://github.com/rust-lang/futures-rs/issues/1473>

#![no_std]
#![no_main]

use core::pin::Pin;
use core::task::{Context, Poll};

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

enum Slot<F: Future> {
    Running(F),
    Done(Option<F::Output>),
}

impl<F: Future> Slot<F> {
    fn drive(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        // SAFETY: the future is not moved, and dropped where it is.
        let this = unsafe { self.get_unchecked_mut() };
        if let Slot::Running(future) = this {
            // SAFETY: as above.
            match unsafe { Pin::new_unchecked(future) }.poll(cx) {
                Poll::Ready(answer) => *this = Slot::Done(Some(answer)),
                Poll::Pending => return false,
            }
        }
        true
    }

    fn take(self: Pin<&mut Self>) -> F::Output {
        // SAFETY: only an answer is moved.
        match unsafe { self.get_unchecked_mut() } {
            Slot::Done(answer) => answer.take().unwrap(),
            Slot::Running(_) => unreachable!(),
        }
    }
}

#[cfg(not(feature = "by-hand"))]
async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let mut a = core::pin::pin!(Slot::Running(a));
    let mut b = core::pin::pin!(Slot::Running(b));
    core::future::poll_fn(|cx| {
        let (a_done, b_done) = (a.as_mut().drive(cx), b.as_mut().drive(cx));
        if a_done && b_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (a.as_mut().take(), b.as_mut().take())
}

#[cfg(feature = "by-hand")]
fn join<A: Future, B: Future>(a: A, b: B) -> Join<A, B> {
    Join(Slot::Running(a), Slot::Running(b))
}

#[cfg(feature = "by-hand")]
struct Join<A: Future, B: Future>(Slot<A>, Slot<B>);

#[cfg(feature = "by-hand")]
impl<A: Future, B: Future> Future for Join<A, B> {
    type Output = (A::Output, B::Output);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the slots are not moved.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let mut a = unsafe { Pin::new_unchecked(&mut this.0) };
        // SAFETY: as above.
        let mut b = unsafe { Pin::new_unchecked(&mut this.1) };
        let (a_done, b_done) = (a.as_mut().drive(cx), b.as_mut().drive(cx));
        if a_done && b_done { Poll::Ready((a.take(), b.take())) } else { Poll::Pending }
    }
}

async fn top() -> u32 {
    let (a, b) = join(job(1), job(2)).await;
    a.unwrap_or(1) ^ b.unwrap_or(2)
}

entry!(top);
