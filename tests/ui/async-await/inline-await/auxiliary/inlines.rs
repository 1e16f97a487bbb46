//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Zvalidate-mir -Zlint-mir

// Async fns that have taken others in: private ones, with a private function and a private static.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

static COUNT: AtomicUsize = AtomicUsize::new(0);

#[inline(never)]
fn private(number: usize) -> usize {
    COUNT.fetch_add(number, Ordering::Relaxed) + number
}

struct Once(bool);

impl Future for Once {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<usize> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(private(1))
        } else {
            Poll::Pending
        }
    }
}

async fn waits() -> usize {
    Once(false).await + private(2)
}

pub async fn concrete() -> usize {
    waits().await + waits().await
}

#[allow(async_fn_in_trait)]
pub trait Bus {
    async fn read(&mut self) -> usize;
}

impl<T: Bus> Bus for &mut T {
    async fn read(&mut self) -> usize {
        T::read(self).await
    }
}

pub struct Device<B>(pub B);

impl<B: Bus> Device<B> {
    async fn twice(&mut self) -> usize {
        self.0.read().await + self.0.read().await + waits().await
    }

    pub async fn get(&mut self) -> usize {
        self.twice().await + 1
    }
}
