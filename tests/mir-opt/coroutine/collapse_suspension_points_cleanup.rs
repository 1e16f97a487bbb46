//@ compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ edition: 2024
//@ needs-unwind

// With panics that unwind each await has a cleanup of its own, which drops one guard more than that
// before. To merge the awaits would take a copy of each, so they stay apart: there is no selector
// to branch by, and each guard is dropped in as many places as without the pass.

use std::pin::Pin;
use std::task::{Context, Poll};

unsafe extern "Rust" {
    safe fn is_ready() -> bool;
    safe fn dropped(number: u32);
}

pub struct Wait;

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if is_ready() { Poll::Ready(()) } else { Poll::Pending }
    }
}

pub struct Guard(u32);

impl Drop for Guard {
    fn drop(&mut self) {
        dropped(self.0);
    }
}

pub async fn guards() {
    // CHECK-LABEL: fn guards::{closure#0}(
    // CHECK-COUNT-6: <Wait as Future>::poll
    // CHECK-NOT: : u8)
    // CHECK-LABEL: fn apart(
    let _a = Guard(0);
    Wait.await;
    let _b = Guard(1);
    Wait.await;
    let _c = Guard(2);
    Wait.await;
    let _d = Guard(3);
    Wait.await;
    let _e = Guard(4);
    Wait.await;
    let _f = Guard(5);
    Wait.await;
}

pub fn apart() {}
