// One of each kind of coroutine that answers a `Poll`. Each is polled through a vtable, so that its
// poll function is there by itself and knows nothing of its state. No body has a panic of its own,
// and no two are the same, so that LLVM merges none.

use std::async_iter::AsyncIterator;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

unsafe extern "Rust" {
    safe fn is_ready() -> bool;
    safe fn work(input: u32) -> u32;
    safe fn poll_it(future: Pin<&mut dyn Future<Output = u32>>);
    safe fn poll_items(items: Pin<&mut dyn AsyncIterator<Item = u32>>);
}

struct Ready;

impl Future for Ready {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if is_ready() { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn async_fn(input: u32) -> u32 {
    let output = inner(input).await;
    work(output)
}

async fn inner(input: u32) -> u32 {
    Ready.await;
    work(input)
}

fn async_block(input: u32) -> impl Future<Output = u32> {
    async move { inner(work(input)).await }
}

fn async_closure() -> impl AsyncFn(u32) -> u32 {
    async |input| inner(input).await ^ 1
}

async gen fn async_gen() -> u32 {
    yield work(1);
    yield work(2);
}

#[unsafe(no_mangle)]
pub fn poll_all() {
    poll_it(pin!(async_fn(1)));
    poll_it(pin!(async_block(2)));
    poll_it(pin!(async_closure()(3)));
    poll_items(pin!(async_gen()));
}
