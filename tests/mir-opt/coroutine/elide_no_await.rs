// ElideNoAwait makes a body that can be run again unobserved straight code: no switch on a state,
// no mark of one, and a layout of one variant. A body that must not be run again, and has no
// suspension point, keeps two states. An await that never waits leaves nothing of a suspension
// point behind, through any depth.
//
// `elide_no_await_abort.rs` has what differs without unwinding.

//@ compile-flags: -Zasync-returned-panic=no -Coverflow-checks=off
//@ compile-flags: -Zmir-enable-passes=-InlineAwait,-FinishedAwaitees
//@ needs-unwind
//@ edition: 2024

#![feature(coroutine_trait, coroutines, gen_blocks, stmt_expr_attributes)]

#[path = "auxiliary/examples.rs"]
pub mod examples;

// EMIT_MIR elide_no_await.examples-foo-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR elide_no_await.examples-foo-{closure#0}.coroutine_drop.0.mir
// CHECK-LABEL: fn foo::{closure#0}(
// CHECK-NOT: switchInt
// CHECK-NOT: discriminant
// CHECK: _0 = {{.*}}5_i32
// CHECK-NEXT: return;

// EMIT_MIR elide_no_await.examples-bar-{closure#0}.coroutine_resume.0.mir
// CHECK-LABEL: fn bar::{closure#0}(
// CHECK-NOT: switchInt
// CHECK-NOT: discriminant
// CHECK-NOT: foo()
// CHECK: _0 = {{.*}}10_i32
// CHECK-NEXT: return;

unsafe extern "Rust" {
    safe fn work() -> u32;
}

// It calls what may do anything, so it runs once: two states, and none for a future that panicked.
// EMIT_MIR elide_no_await.runs_once-{closure#0}.ElideNoAwait.diff
pub async fn runs_once() -> u32 {
    // CHECK-LABEL: fn runs_once::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[PENDING:bb[0-9]+]], otherwise: {{bb[0-9]+}}];
    // CHECK: [[PENDING]]: {
    // CHECK-NEXT: _0 = Poll::<u32>::Pending;
    // CHECK-NEXT: return;
    work()
}

// What is computed from constants may be computed again, through branches and loops.
// EMIT_MIR elide_no_await.computes-{closure#0}.coroutine_resume.0.mir
pub async fn computes() -> (u32, char) {
    // CHECK-LABEL: fn computes::{closure#0}(
    // CHECK-NOT: discriminant(
    // CHECK: Lt({{.*}}, const 10_u32);
    // CHECK: _0 = Poll::<(u32, char)>::Ready(
    // CHECK-NEXT: return;
    let mut sum = 1_u32;
    while sum < 10 {
        sum *= 3;
    }
    (sum, 'c')
}

// What was captured is given once, be it a number, which may be the only one of its kind.
// EMIT_MIR elide_no_await.captures-{closure#0}.coroutine_resume.0.mir
pub async fn captures(first: u32, second: (u8, bool)) -> u32 {
    // CHECK-LABEL: fn captures::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    if second.1 { first ^ 1 } else { first }
}

// So is an address, although it is a constant.
// EMIT_MIR elide_no_await.gives_address-{closure#0}.coroutine_resume.0.mir
pub async fn gives_address() -> &'static str {
    // CHECK-LABEL: fn gives_address::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    "text"
}

// What awaits only what never waits has no suspension point, through any depth.
// EMIT_MIR elide_no_await.never_waits-{closure#0}.coroutine_resume.0.mir
pub async fn never_waits() -> u32 {
    // CHECK-LABEL: fn never_waits::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    // CHECK-NOT: as variant#3
    let mut sum = 0_u32;
    for _ in 0..2 {
        sum ^= calls_what_runs_once().await;
    }
    sum ^ core::future::ready(1).await
}

pub async fn calls_what_runs_once() -> u32 {
    match runs_once().await {
        0 => 1,
        other => other ^ runs_once().await,
    }
}

// Of two awaits the one that may wait keeps its suspension point.
// EMIT_MIR elide_no_await.waits_once-{closure#0}.coroutine_resume.0.mir
pub async fn waits_once() -> u32 {
    // CHECK-LABEL: fn waits_once::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}},
    // CHECK-SAME: 3: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    // CHECK-NOT: as variant#4
    let first = runs_once().await;
    examples::send_response(first).await;
    first ^ never_waits().await
}

// A reference to a future may be one that was polled before.
// EMIT_MIR elide_no_await.by_reference-{closure#0}.coroutine_resume.0.mir
pub async fn by_reference() -> u32 {
    // CHECK-LABEL: fn by_reference::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}},
    // CHECK-SAME: 3: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    let mut future = std::pin::pin!(runs_once());
    future.as_mut().await
}

// Whether `F` waits is asked on the three ways of its suspension point: before it suspends, where
// it is resumed, and, in the drop shim, where it is dropped. The last two are not there if it never
// does; other passes make an assumption of that.
// EMIT_MIR elide_no_await.generic-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR elide_no_await.generic-{closure#0}.coroutine_drop.0.mir
pub async fn generic<F: Future<Output = u32>>(future: F) -> u32 {
    // CHECK-LABEL: fn generic::{closure#0}(
    // CHECK-DAG: switchInt(const std::future::FutureFacts::<F>::NEVER_PENDING) -> [0: {{bb[0-9]+}},
    // CHECK-DAG: {{_[0-9]+}} = Not(const std::future::FutureFacts::<F>::NEVER_PENDING);
    future.await
}

// An iterator is not run again, and one that panicked still says so.
// EMIT_MIR elide_no_await.gen_fn-{closure#0}.coroutine_resume.0.mir
pub gen fn gen_fn() -> u32 {
    // CHECK-LABEL: fn gen_fn::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}},
    // CHECK-SAME: 2: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    // CHECK: discriminant({{.*}}) = 2;
    work();
}
