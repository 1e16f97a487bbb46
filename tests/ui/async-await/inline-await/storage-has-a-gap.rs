// A local whose storage ends before a suspension point is not saved there, also if merged
// suspension points seem to lead from there to where it is used.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no abort
//@ no-prefer-dynamic
//@ compile-flags: -Copt-level=z -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no
//@[abort] compile-flags: -Zasync-returned-panic=no -Cpanic=abort

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

struct Leaf(u32, u32);

impl Future for Leaf {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        if self.0 == 0 {
            return Poll::Ready(self.1);
        }
        self.0 -= 1;
        Poll::Pending
    }
}

struct Large([u32; 50]);

impl Future for Large {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        if self.0[0] == 0 {
            return Poll::Ready(self.0[1]);
        }
        self.0[0] -= 1;
        Poll::Pending
    }
}

#[inline(never)]
fn leaf(polls: u32, answer: u32) -> Leaf {
    black_box(Leaf(polls, answer))
}

#[inline(never)]
fn mark(place: u32, number: u32) {
    black_box((place, number));
}

fn make() -> impl Future<Output = u32> {
    async move {
        {
            let numbers = [0; 50];
            leaf(1, 0).await;
            mark(2, numbers[(0u32 % 3) as usize]);
        }
        let _got = Large([2; 50]).await;
        match 0u32 % 1 {
            _ => {
                let _got = leaf(1, 0).await;
                0u32
            }
        }
    }
}

fn main() {
    let future = make();
    assert!(size_of_val(&future) <= 220, "{}", size_of_val(&future));
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let mut polls = 1;
    while future.as_mut().poll(&mut context).is_pending() {
        polls += 1;
    }
    assert_eq!(polls, 5);
}
