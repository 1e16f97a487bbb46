// Awaits after which the body goes on differently share a suspension point if code is to be small,
// and each has its own if it is to be fast. With panics that unwind each has a cleanup of its own,
// too, and to merge two would save less than it costs.

//@ revisions: OPT-2 OPT-3 OPT-S OPT-Z UNWIND
//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Csymbol-mangling-version=v0 -Ccodegen-units=1
//@[OPT-2] compile-flags: -Copt-level=2
//@[OPT-3] compile-flags: -Copt-level=3
//@[OPT-S] compile-flags: -Copt-level=s -Cpanic=abort
//@[OPT-Z] compile-flags: -Copt-level=z -Cpanic=abort
//@[UNWIND] compile-flags: -Copt-level=z

#![crate_type = "lib"]

use std::pin::Pin;
use std::task::{Context, Poll};

unsafe extern "Rust" {
    safe fn work() -> u32;
    safe fn is_sent(response: u32) -> bool;
    safe fn poll_it(future: Pin<&mut dyn Future<Output = u32>>);
}

struct Sent(u32);

impl Future for Sent {
    type Output = ();

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if is_sent(self.0) { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn send(response: u32) {
    Sent(response).await
}

async fn process() -> u32 {
    send(work()).await;
    let number = work();
    send(number).await;
    7
}

// OPT-2-COUNT-2: invoke {{.*}} @is_sent(
// OPT-3-COUNT-2: invoke {{.*}} @is_sent(
// OPT-S-COUNT-1: call {{.*}} @is_sent(
// OPT-S-NOT: call {{.*}} @is_sent(
// OPT-Z-COUNT-1: call {{.*}} @is_sent(
// OPT-Z-NOT: call {{.*}} @is_sent(
// UNWIND-COUNT-2: invoke {{.*}} @is_sent(
#[unsafe(no_mangle)]
pub fn run() {
    let mut future = std::pin::pin!(process());
    poll_it(future.as_mut());
}
