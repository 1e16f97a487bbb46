// FinishedAwaitees does not drop a coroutine that has returned or unwound.

//@ compile-flags: -Zasync-returned-panic=no
//@ edition: 2024

use std::pin::Pin;
use std::task::{Context, Poll};

pub struct Device(String);

impl Future for Device {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Drop for Device {
    fn drop(&mut self) {}
}

#[inline(never)]
async fn of_device(device: Device) {
    device.await;
}

// What is polled drops nothing. The drop of what is cancelled, after `yield`, stays.
// EMIT_MIR finished_awaitees.known-{closure#0}.FinishedAwaitees.diff
pub async fn known(device: Device) {
    // CHECK-LABEL: fn known::{closure#0}(
    // CHECK-NOT: drop(
    // CHECK: as Future>::poll(
    // CHECK-NOT: drop(
    of_device(device).await
}

// EMIT_MIR finished_awaitees.generic-{closure#0}.FinishedAwaitees.diff
pub async fn generic<F: Future<Output = ()>>(future: F) {
    // CHECK-LABEL: fn generic::{closure#0}(
    // CHECK: switchInt(const {{.*}}FutureFacts::<F>::FINISHED_IS_EMPTY) -> [0: [[drops:bb[0-9]+]],
    // CHECK: [[drops]]: {
    // CHECK-NEXT: drop({{.*}}: F)
    future.await
}

// EMIT_MIR finished_awaitees.by_hand-{closure#0}.FinishedAwaitees.diff
pub async fn by_hand(device: Device) {
    // CHECK-LABEL: fn by_hand::{closure#0}(
    // CHECK-NOT: FINISHED_IS_EMPTY
    // CHECK: <Device as Future>::poll(
    // CHECK: drop({{.*}}: Device)
    device.await
}
