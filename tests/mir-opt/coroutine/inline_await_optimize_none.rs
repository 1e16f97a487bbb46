// An async fn or closure that is not to be optimized is not inlined, and nothing is inlined in it.

//@ compile-flags: -Zasync-returned-panic=no
//@ needs-unwind
//@ edition: 2024

#![feature(optimize_attribute, stmt_expr_attributes)]
#![crate_type = "lib"]

async fn small() {
    std::future::pending::<()>().await;
}

// EMIT_MIR inline_await_optimize_none.as_written-{closure#0}.coroutine_resume.0.mir
#[optimize(none)]
pub async fn as_written() -> u32 {
    // CHECK-LABEL: fn as_written::{closure#0}(
    // CHECK: <{async fn body of small()} as Future>::poll
    small().await;
    1
}

// EMIT_MIR inline_await_optimize_none.awaits-{closure#0}.coroutine_resume.0.mir
pub async fn awaits() -> u32 {
    // CHECK-LABEL: fn awaits::{closure#0}(
    // CHECK: <{async fn body of as_written()} as Future>::poll
    as_written().await
}

// EMIT_MIR inline_await_optimize_none.in_closure-{closure#0}-{closure#0}.coroutine_resume.0.mir
pub fn in_closure() {
    // CHECK-LABEL: fn in_closure::{closure#0}::{closure#0}(
    // CHECK: <{async fn body of small()} as Future>::poll
    let _ = #[optimize(none)]
    async || small().await;
}
