// What is stored by an index that is alive across an await is stored there when what it stores has
// been taken in, too: the index is saved like anything else.

//@ run-pass
//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Zvalidate-mir -Zlint-mir

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

struct Times(usize);

impl Future for Times {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<usize> {
        if self.0 == 0 {
            return Poll::Ready(3);
        }
        self.0 -= 1;
        Poll::Pending
    }
}

async fn waits(times: usize) -> usize {
    Times(times).await + times
}

async fn fills<const N: usize>(offset: usize) -> [usize; N] {
    let mut array = [0; N];
    for index in 0..N {
        array[index] = waits(index + offset).await;
    }
    array
}

async fn reads(array: &[usize; 4], mut index: usize) -> usize {
    let mut sum = 0;
    while index < 4 {
        sum += array[index] * waits(1).await + array[index];
        index += array[index] - waits(0).await;
    }
    sum
}

async fn both() -> ([usize; 4], usize) {
    let array = fills::<4>(1).await;
    let sum = reads(&array, 0).await;
    (array, sum)
}

fn main() {
    let mut future = pin!(both());
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            assert_eq!(answer, ([4, 5, 6, 7], 5 * (4 + 5 + 7)));
            return;
        }
    }
}
