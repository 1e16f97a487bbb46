// `-Zmir-enable-passes=-ElideNoAwait` switches both steps of the pass off alone, and so does a
// mir-opt-level below 2: the future keeps its three states, and who awaits it a suspension point.

//@ revisions: switched_off level_1
//@ compile-flags: -Zasync-returned-panic=no
//@[switched_off] compile-flags: -Zmir-enable-passes=-ElideNoAwait,-InlineAwait,-DeadReads
//@[switched_off] compile-flags: -Zmir-enable-passes=-FinishedAwaitees
//@[level_1] compile-flags: -Zmir-opt-level=1
//@ needs-unwind
//@ edition: 2024

// EMIT_MIR elide_no_await_off.ready-{closure#0}.coroutine_resume.0.mir
pub async fn ready() -> u32 {
    // CHECK-LABEL: fn ready::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    // CHECK: _0 = Poll::<u32>::Pending;
    5
}

// EMIT_MIR elide_no_await_off.awaits-{closure#0}.coroutine_resume.0.mir
pub async fn awaits() -> u32 {
    // CHECK-LABEL: fn awaits::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}},
    // CHECK-SAME: 3: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    ready().await
}
