// ReturnedPending without unwinding: there is no poisoned state, and so one case less to lead away.
//
// `returned_pending.rs` says the same with unwinding.

//@ test-mir-pass: ReturnedPending
//@ compile-flags: -Zasync-returned-panic=no -Cpanic=abort
//@ edition: 2024

#![feature(coroutines, gen_blocks, stmt_expr_attributes)]

fn work() {}

// EMIT_MIR returned_pending_abort.async_fn-{closure#0}.ReturnedPending.diff
pub async fn async_fn() -> u32 {
    // CHECK-LABEL: fn async_fn::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[PENDING:bb[0-9]+]],
    // CHECK-SAME: 3: {{bb[0-9]+}}, otherwise: [[DEFAULT:bb[0-9]+]]];
    // CHECK-NOT: resumed after
    // CHECK: [[DEFAULT]]: {
    // CHECK-NEXT: unreachable;
    // CHECK-NOT: resumed after
    // CHECK: [[PENDING]]: {
    // CHECK-NEXT: _0 = Poll::<u32>::Pending;
    // CHECK-NEXT: return;
    // CHECK-NOT: resumed after
    work();
    without_await().await;
    1
}

// EMIT_MIR returned_pending_abort.without_await-{closure#0}.ReturnedPending.diff
pub async fn without_await() {
    // CHECK-LABEL: fn without_await::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[PENDING:bb[0-9]+]], otherwise
    // CHECK-NOT: resumed after
    // CHECK: [[PENDING]]: {
    // CHECK-NEXT: _0 = Poll::<()>::Pending;
    // CHECK-NEXT: return;
    // CHECK-NOT: resumed after
    work();
}

// It is neither finished nor poisoned, and so has no panic to lose.
// EMIT_MIR returned_pending_abort.never-{closure#0}.ReturnedPending.diff
pub async fn never() -> ! {
    // CHECK-LABEL: fn never::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 3: {{bb[0-9]+}}, otherwise
    // CHECK-NOT: resumed after
    loop {
        without_await().await;
    }
}

// EMIT_MIR returned_pending_abort.async_block-{closure#0}.ReturnedPending.diff
pub fn async_block() -> impl Future<Output = ()> {
    // CHECK-LABEL: fn async_block::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[PENDING:bb[0-9]+]], 3: {{bb[0-9]+}}, otherwise
    // CHECK-NOT: resumed after
    // CHECK: [[PENDING]]: {
    // CHECK-NEXT: _0 = Poll::<()>::Pending;
    // CHECK-NEXT: return;
    // CHECK-NOT: resumed after
    async {
        work();
        without_await().await;
    }
}

/// It has no panic to lose.
// EMIT_MIR returned_pending_abort.async_gen-{closure#0}.ReturnedPending.diff
pub async gen fn async_gen() -> u32 {
    // CHECK-LABEL: fn async_gen::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[NONE:bb[0-9]+]], 3: {{bb[0-9]+}}, otherwise
    // CHECK-NOT: resumed after
    // CHECK: [[NONE]]: {
    // CHECK-NEXT: _0 = const {{.*}}::FINISHED;
    // CHECK-NOT: resumed after
    work();
    yield 1;
}

// `Iterator::next` returns no `Poll`.
// EMIT_MIR returned_pending_abort.gen_fn-{closure#0}.ReturnedPending.diff
pub gen fn gen_fn() -> u32 {
    // CHECK-LABEL: fn gen_fn::{closure#0}(
    // CHECK-NOT: Pending
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[NONE:bb[0-9]+]], 3: {{bb[0-9]+}}, otherwise
    // CHECK-NOT: Pending
    // CHECK: [[NONE]]: {
    // CHECK-NEXT: _0 = Option::<u32>::None;
    // CHECK-NOT: Pending
    work();
    yield 1;
}

// `Coroutine::resume` returns no `Poll`.
// EMIT_MIR returned_pending_abort.coroutine-{closure#0}.ReturnedPending.diff
pub fn coroutine() -> impl Sized {
    // CHECK-LABEL: fn coroutine::{closure#0}(
    // CHECK-NOT: Pending
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[FINISHED:bb[0-9]+]], 3: {{bb[0-9]+}}, otherwise
    // CHECK: [[FINISHED]]: {
    // CHECK-NEXT: assert(const false, "coroutine resumed after completion")
    // CHECK-NOT: Pending
    #[coroutine]
    || {
        work();
        yield 1;
    }
}

// The body that borrows the captures, and the one that owns them.
// EMIT_MIR returned_pending_abort.async_closure-{closure#0}-{closure#0}.ReturnedPending.diff
// EMIT_MIR returned_pending_abort.async_closure-{closure#0}-{synthetic#0}.ReturnedPending.diff
pub fn async_closure(captured: String) -> impl AsyncFn() -> usize {
    // CHECK-LABEL: fn async_closure::{closure#0}::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[PENDING:bb[0-9]+]], 3: {{bb[0-9]+}}, otherwise
    // CHECK-NOT: resumed after
    // CHECK: [[PENDING]]: {
    // CHECK-NEXT: _0 = Poll::<usize>::Pending;
    // CHECK-NEXT: return;
    // CHECK-NOT: resumed after
    // CHECK-LABEL: fn async_closure::{closure#0}::{synthetic#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[PENDING:bb[0-9]+]], 3: {{bb[0-9]+}}, otherwise
    // CHECK-NOT: resumed after
    // CHECK: [[PENDING]]: {
    // CHECK-NEXT: _0 = Poll::<usize>::Pending;
    // CHECK-NEXT: return;
    // CHECK-NOT: resumed after
    async move || {
        without_await().await;
        captured.len()
    }
}
