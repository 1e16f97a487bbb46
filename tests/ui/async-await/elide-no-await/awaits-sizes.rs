// An await that never waits leaves nothing in the future around it: neither its awaitee, nor what
// lives across it. That goes through any depth, and for awaitees that are written by hand as well.

//@ run-pass
//@ no-prefer-dynamic
//@ edition: 2024
//@ revisions: o1 o3 oz abort
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no
//@[o1] compile-flags: -Copt-level=1
//@[o3] compile-flags: -Copt-level=3
//@[oz] compile-flags: -Copt-level=z
//@[abort] compile-flags: -Copt-level=3 -Cpanic=abort
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate polling;

use std::future::ready;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use polling::{complete, step};

/// `future` has one byte of state and nothing else.
#[track_caller]
fn check_bare(future: impl Future<Output = u8>, output: u8) {
    assert_eq!(size_of_val(&future), 1);
    assert_eq!(complete(pin!(future), 0), output);
}

async fn bottom() -> u8 {
    black_box(1)
}

/// An async fn for each name, that awaits the one before it and keeps something while it does.
macro_rules! chain {
    ($inner:ident) => {};
    ($inner:ident $outer:ident $($rest:ident)*) => {
        async fn $outer() -> u8 {
            let kept = black_box([0; 100]);
            $inner().await + 1 + kept[99]
        }
        chain!($outer $($rest)*);
    };
}

chain!(bottom d1 d2 d3 d4 d5 d6 d7 d8 d9 d10);

struct ByHand([u8; 100]);

impl Future for ByHand {
    type Output = u8;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
        Poll::Ready(black_box(self.0[0]))
    }
}

struct Request;

impl IntoFuture for Request {
    type Output = u8;
    type IntoFuture = ByHand;

    fn into_future(self) -> ByHand {
        ByHand([7; 100])
    }
}

async fn through<T>(bytes: [T; 100]) -> T {
    black_box(bytes).into_iter().next().unwrap()
}

/// Awaits several futures of a type that is known only when this is part of what awaits it.
trait Load {
    fn load(&mut self, key: u8) -> impl Future<Output = Result<u8, u8>>;
}

struct Fixed(u8);

impl Load for Fixed {
    async fn load(&mut self, key: u8) -> Result<u8, u8> {
        if key > 8 { Err(key) } else { Ok(self.0 + key) }
    }
}

async fn load_all<L: Load>(mut loader: L) -> Result<u8, u8> {
    let first = loader.load(1).await?;
    let second = loader.load(2).await?;
    let third = loader.load(3).await?;
    Ok(first + second + third)
}

fn main() {
    let loads = async {
        let loaded = load_all(Fixed(3)).await.unwrap_or(7);
        step("waits", 1).await;
        loaded
    };
    assert!(size_of_val(&loads) < size_of_val(&load_all(Fixed(3))) + size_of_val(&step("", 1)));
    assert_eq!(complete(pin!(loads), 1), 15);

    check_bare(bottom(), 1);
    check_bare(d1(), 2);
    check_bare(d2(), 3);
    check_bare(d10(), 11);
    check_bare(async { d10().await + d10().await }, 22);
    check_bare(async { through([5; 100]).await }, 5);
    check_bare(async { ByHand([6; 100]).await + Request.await }, 13);
    check_bare(async { ready(black_box(8)).await }, 8);
    check_bare((async || d3().await)(), 4);

    // What waits is kept, and what does not is not.
    let one_waits = async {
        let before = d3().await + ByHand([6; 100]).await;
        step("waits", 1).await;
        before + through([5; 100]).await
    };
    assert!(size_of_val(&one_waits) < 100);
    assert_eq!(complete(pin!(one_waits), 1), 15);
}
