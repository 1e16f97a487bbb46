// A function that is not to be optimized keeps the states that it is written with. What is known of
// it still helps who awaits it.

//@ compile-flags: -Zasync-returned-panic=no -Zmir-enable-passes=-InlineAwait,-FinishedAwaitees
//@ needs-unwind
//@ edition: 2024

#![feature(optimize_attribute)]

// EMIT_MIR elide_no_await_optimize_none.ready-{closure#0}.coroutine_resume.0.mir
#[optimize(none)]
pub async fn ready(value: u32) -> u32 {
    // CHECK-LABEL: fn ready::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    value
}

// EMIT_MIR elide_no_await_optimize_none.awaits-{closure#0}.coroutine_resume.0.mir
pub async fn awaits() -> u32 {
    // CHECK-LABEL: fn awaits::{closure#0}(
    // CHECK-NOT: 3: {{bb[0-9]+}}
    // CHECK: return;
    ready(5).await
}
