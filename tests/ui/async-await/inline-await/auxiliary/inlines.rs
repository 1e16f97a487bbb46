//@ no-prefer-dynamic
//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Zvalidate-mir -Zlint-mir

#![crate_type = "rlib"]

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

pub async fn once() -> usize {
    waits().await
}

pub async fn concrete() -> usize {
    waits().await + waits().await
}

/// What a crate knows of its caller's types only by a trait.
pub async fn through<B: Bus>(mut bus: B) -> usize {
    // A drop, a promoted, and a panic of this crate.
    let numbers: &[usize] = &[5, 6, 7];
    let index = bus.read().await;
    numbers[index]
}

#[inline(never)]
pub async fn left_alone() -> usize {
    waits().await
}

/// Reads in the one crate, and is dropped in the other.
pub struct Droppy<'a>(pub &'a std::cell::Cell<usize>);

impl Drop for Droppy<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() * 10 + 1);
    }
}

pub async fn holds(first: Droppy<'_>, second: &std::cell::Cell<usize>) -> usize {
    let _third = Droppy(second);
    Once(false).await;
    first.0.get()
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
