// The bodies whose MIR `default_is_base.rs` and `default_is_base_abort.rs` compare with the base:
// what "Async Rust never left the MVP state" shows, and one of each other kind of coroutine.

use std::pin::Pin;
use std::task::{Context, Poll};

pub enum CommandId {
    A,
    B,
}

unsafe extern "Rust" {
    safe fn get_command() -> CommandId;
    safe fn is_sent(response: u32) -> bool;
}

/// A future written by hand.
pub struct Sent(u32);

impl Future for Sent {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if is_sent(self.0) { Poll::Ready(()) } else { Poll::Pending }
    }
}

pub fn foo() -> impl Future<Output = i32> {
    async { 5 }
}

pub fn bar() -> impl Future<Output = i32> {
    async { foo().await + foo().await }
}

pub async fn send_response(response: u32) {
    Sent(response).await
}

pub async fn process_command() {
    match get_command() {
        CommandId::A => send_response(123).await,
        CommandId::B => send_response(456).await,
    }
}

pub async fn pass_through(response: u32) {
    send_response(response).await
}

pub async fn is_large(blah: bool) -> i32 {
    Sent(blah as u32).await;
    1
}

pub async fn preamble_and_postamble(input: u32) -> i32 {
    let blah = input > 10;
    let result = is_large(blah).await;
    result * 2
}

pub async fn holds_across_await(name: String) -> usize {
    let line = name.clone();
    send_response(1).await;
    line.len()
}

pub gen fn numbers() -> u32 {
    yield 1;
    is_sent(1);
    yield 2;
}

pub async gen fn numbers_slowly() -> u32 {
    yield 1;
    send_response(1).await;
    yield 2;
}

pub fn coroutine() -> impl std::ops::Coroutine<bool, Yield = u32, Return = ()> {
    #[coroutine]
    |mut argument: bool| {
        while argument {
            is_sent(1);
            argument = yield 1;
        }
    }
}
