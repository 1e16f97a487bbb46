// Awaits are not merged if a local that one of them needs has storage on some ways to the other
// only: what follows the first would then seem to be reached without that storage.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ revisions: yes no abort
//@ compile-flags: -Copt-level=z -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no
//@[abort] compile-flags: -Zasync-returned-panic=no -Cpanic=abort

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

struct Wait(u8);

impl Future for Wait {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<usize> {
        if self.0 == 0 {
            return Poll::Ready(9);
        }
        self.0 -= 1;
        Poll::Pending
    }
}

async fn length(text: Option<String>, nine: usize) -> usize {
    // The `else` is reached with and without the text.
    if let Some(text) = text
        && Wait(1).await == nine
    {
        Wait(1).await + text.len()
    } else {
        Wait(1).await;
        1
    }
}

fn main() {
    let run = |text: Option<&str>, nine| {
        let mut task = pin!(length(text.map(str::to_owned), nine));
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(answer) = task.as_mut().poll(&mut context) {
                return answer;
            }
        }
    };
    assert_eq!([run(None, 9), run(Some("four"), 9), run(Some("four"), 8)], [1, 13, 1]);
}
