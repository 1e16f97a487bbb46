// ReturnedPending leads the cases of the entry switch that panic, because the future is finished or
// poisoned, to one block that returns `Poll::Pending`, and no other case. Where both do, a future
// that unwinds is marked as finished (1), and the case of a poisoned one (2) is gone. A coroutine
// that has no `Pending` to give keeps its panics, and an iterator that ends in `None` goes on to do
// so.
//
// `returned_pending_abort.rs` says the same without unwinding.

//@ test-mir-pass: ReturnedPending
//@ compile-flags: -Zasync-returned-panic=no
//@ needs-unwind
//@ edition: 2024

#![feature(coroutines, gen_blocks, stmt_expr_attributes)]

fn work() {}

// EMIT_MIR returned_pending.async_fn-{closure#0}.ReturnedPending.diff
pub async fn async_fn() -> u32 {
    // CHECK-LABEL: fn async_fn::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[PENDING:bb[0-9]+]],
    // CHECK-SAME: 3: {{bb[0-9]+}}, otherwise: [[DEFAULT:bb[0-9]+]]];
    // CHECK-NOT: resumed after
    // CHECK-NOT: discriminant({{.*}}) = 2;
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

// EMIT_MIR returned_pending.without_await-{closure#0}.ReturnedPending.diff
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

// It is never ready, and so has no case for a finished state.
// EMIT_MIR returned_pending.never-{closure#0}.ReturnedPending.diff
pub async fn never() -> ! {
    // CHECK-LABEL: fn never::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 2: [[PENDING:bb[0-9]+]], 3: {{bb[0-9]+}}, otherwise
    // CHECK-NOT: resumed after
    // CHECK: [[PENDING]]: {
    // CHECK-NEXT: _0 = Poll::<!>::Pending;
    // CHECK-NEXT: return;
    // CHECK-NOT: resumed after
    loop {
        without_await().await;
    }
}

// EMIT_MIR returned_pending.async_block-{closure#0}.ReturnedPending.diff
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

// Finished, it answers `Ready(None)`; only poisoned has it a panic to lose.
// EMIT_MIR returned_pending.async_gen-{closure#0}.ReturnedPending.diff
pub async gen fn async_gen() -> u32 {
    // CHECK-LABEL: fn async_gen::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[NONE:bb[0-9]+]], 2: [[PENDING:bb[0-9]+]], 3: {{bb[0-9]+}}, otherwise
    // CHECK-NOT: resumed after
    // CHECK: [[NONE]]: {
    // CHECK-NEXT: _0 = const {{.*}}::FINISHED;
    // CHECK-NOT: resumed after
    // CHECK: [[PENDING]]: {
    // CHECK-NEXT: _0 = Poll::<Option<u32>>::Pending;
    // CHECK-NEXT: return;
    // CHECK-NOT: resumed after
    work();
    yield 1;
}

// `Iterator::next` returns no `Poll`.
// EMIT_MIR returned_pending.gen_fn-{closure#0}.ReturnedPending.diff
pub gen fn gen_fn() -> u32 {
    // CHECK-LABEL: fn gen_fn::{closure#0}(
    // CHECK-NOT: Pending
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[NONE:bb[0-9]+]], 2: [[PANIC:bb[0-9]+]], 3: {{bb[0-9]+}}, otherwise
    // CHECK: [[PANIC]]: {
    // CHECK-NEXT: assert(const false, "`gen fn` should just keep returning `None` after panicking")
    // CHECK-NOT: Pending
    // CHECK: [[NONE]]: {
    // CHECK-NEXT: _0 = Option::<u32>::None;
    // CHECK-NOT: Pending
    work();
    yield 1;
}

// `Coroutine::resume` returns no `Poll`.
// EMIT_MIR returned_pending.coroutine-{closure#0}.ReturnedPending.diff
pub fn coroutine() -> impl Sized {
    // CHECK-LABEL: fn coroutine::{closure#0}(
    // CHECK-NOT: Pending
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[FINISHED:bb[0-9]+]], 2: [[POISONED:bb[0-9]+]], 3: {{bb[0-9]+}}, otherwise
    // CHECK: [[POISONED]]: {
    // CHECK-NEXT: assert(const false, "coroutine resumed after panicking")
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
// EMIT_MIR returned_pending.async_closure-{closure#0}-{closure#0}.ReturnedPending.diff
// EMIT_MIR returned_pending.async_closure-{closure#0}-{synthetic#0}.ReturnedPending.diff
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
