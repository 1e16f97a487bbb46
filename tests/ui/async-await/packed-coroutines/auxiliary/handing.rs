// A crate whose futures have what they await in the place of their arguments. Whoever uses them has
// to go by that, with whatever setting.

//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=s

#![crate_type = "lib"]

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};

struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[inline(never)]
async fn sums<T>(block: [u64; 32], kept: T) -> (u64, T) {
    Once(false).await;
    let sum = black_box(&block).iter().sum();
    Once(false).await;
    (sum, kept)
}

#[inline(never)]
pub async fn hands_on<T>(block: [u64; 32], kept: T) -> (u64, T) {
    let (sum, kept) = sums(block, kept).await;
    Once(false).await;
    (sum + 1, kept)
}
