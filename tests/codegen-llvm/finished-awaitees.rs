// What LLVM is given of an await whose awaitee has answered: no call of its glue for drops. That is
// so if the awaitee is known where it is awaited, and if only an instance knows it.

//@ revisions: KNOWN GENERIC KNOWN-OFF GENERIC-OFF
//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=3 -Cpanic=abort
//@ compile-flags: -Csymbol-mangling-version=v0 -Cno-prepopulate-passes -Ccodegen-units=1
//@[KNOWN-OFF] compile-flags: -Zmir-enable-passes=-FinishedAwaitees
//@[GENERIC-OFF] compile-flags: -Zmir-enable-passes=-FinishedAwaitees

#![crate_type = "lib"]

use std::pin::Pin;
use std::task::{Context, Poll};

unsafe extern "Rust" {
    safe fn is_ready() -> bool;
    safe fn poll_it(future: Pin<&mut dyn Future<Output = ()>>);
}

struct Device(String);

impl Future for Device {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if is_ready() { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[inline(never)]
async fn awaitee(name: String) {
    Device(name).await;
}

// KNOWN: ; finished_awaitees::known::{closure#0}
// KNOWN-NOT: drop_in_place
// KNOWN: call finished_awaitees::awaitee::{closure#0}
// KNOWN-NOT: drop_in_place
// KNOWN: {{^}$}}
// KNOWN-OFF: ; finished_awaitees::known::{closure#0}
// KNOWN-OFF: call core::ptr::drop_in_place::<finished_awaitees::awaitee::{closure#0}>
// KNOWN-OFF: {{^}$}}
async fn known(name: String) {
    awaitee(name).await
}

// GENERIC: ; finished_awaitees::generic::<finished_awaitees::awaitee::{closure#0}>::{closure#0}
// GENERIC: call finished_awaitees::awaitee::{closure#0}
// GENERIC-NOT: drop_in_place
// GENERIC: {{^}$}}
// GENERIC-OFF: ; finished_awaitees::generic::<finished_awaitees::awaitee::{closure#0}>::{closure#0}
// GENERIC-OFF: call core::ptr::drop_in_place::<finished_awaitees::awaitee::{closure#0}>
// GENERIC-OFF: {{^}$}}
async fn generic<F: Future<Output = ()>>(future: F) {
    future.await
}

#[unsafe(no_mangle)]
pub fn poll_known(name: String) {
    poll_it(std::pin::pin!(known(name)));
}

#[unsafe(no_mangle)]
pub fn poll_generic(name: String) {
    poll_it(std::pin::pin!(generic(awaitee(name))));
}
