// An argument that an inlined async fn moves to another local behind an await is that local from
// the start, so that it is saved in one place.

//@ compile-flags: -Zasync-returned-panic=no -Cpanic=abort
//@ edition: 2024

use std::future::pending;
use std::pin::pin;

async fn after<F: Future<Output = u32>>(future: F) -> u32 {
    pending::<()>().await;
    pin!(future).await
}

// EMIT_MIR inline_await_moved_argument.calls-{closure#0}.InlineAwait.after.mir
pub async fn calls(number: u32) -> u32 {
    // CHECK-LABEL: fn calls::{closure#0}(
    // CHECK: debug future => [[place:[^;]*]];
    // CHECK: debug pinned => [[place]];
    after(async move {
        pending::<()>().await;
        number
    })
    .await
}
