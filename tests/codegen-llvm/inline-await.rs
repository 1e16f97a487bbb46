// What LLVM makes of a chain of async fns: one poll function, which switches once, on one state.
// Without the pass each async fn of the chain has a switch of its own, in its poll function or in
// that of what awaits it.

//@ revisions: OPT-2 OPT-3 OPT-S OPT-Z ABORT-Z OFF
//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Csymbol-mangling-version=v0 -Ccodegen-units=1
//@[OPT-2] compile-flags: -Copt-level=2
//@[OPT-3] compile-flags: -Copt-level=3
//@[OPT-S] compile-flags: -Copt-level=s
//@[OPT-Z] compile-flags: -Copt-level=z
//@[ABORT-Z] compile-flags: -Cpanic=abort -Copt-level=z
//@[OFF] compile-flags: -Copt-level=3 -Zmir-enable-passes=-InlineAwait

#![crate_type = "lib"]

use std::pin::Pin;
use std::task::{Context, Poll};

unsafe extern "Rust" {
    safe fn is_ready() -> bool;
    safe fn work(input: u32) -> u32;
    safe fn poll_it(future: Pin<&mut dyn Future<Output = u32>>);
}

struct Ready;

impl Future for Ready {
    type Output = ();

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if is_ready() { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn last(input: u32) -> u32 {
    Ready.await;
    work(input)
}

async fn third(input: u32) -> u32 {
    last(input + 1).await
}

async fn second(input: u32) -> u32 {
    work(third(input + 1).await)
}

async fn first(input: u32) -> u32 {
    second(input + 1).await
}

// OPT-2-COUNT-1: switch i8
// OPT-2-NOT: switch i8
// OPT-3-COUNT-1: switch i8
// OPT-3-NOT: switch i8
// OPT-S-COUNT-1: switch i8
// OPT-S-NOT: switch i8
// OPT-Z-COUNT-1: switch i8
// OPT-Z-NOT: switch i8
// ABORT-Z-COUNT-1: switch i8
// ABORT-Z-NOT: switch i8
// OFF: switch i8
// OFF: switch i8
#[unsafe(no_mangle)]
pub fn poll_chain(input: u32) {
    poll_it(std::pin::pin!(first(input)));
}
