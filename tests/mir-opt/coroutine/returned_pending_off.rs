// `-Zmir-enable-passes=-ReturnedPending` switches the pass off alone: the body is left as the
// default has it, for both revisions compare with the same expected file.

//@ revisions: default switched_off
//@ compile-flags: -Zmir-opt-level=0
//@[switched_off] compile-flags: -Zasync-returned-panic=no -Zmir-enable-passes=-ReturnedPending
//@ needs-unwind
//@ edition: 2024

#![feature(gen_blocks)]

fn work() {}

// EMIT_MIR returned_pending_off.async_fn-{closure#0}.coroutine_resume.0.mir
pub async fn async_fn() -> u32 {
    // CHECK-LABEL: fn async_fn::{closure#0}(
    // CHECK-NOT: _0 = Poll::<u32>::Pending;
    // CHECK-DAG: assert(const false, "`async fn` resumed after panicking")
    // CHECK-DAG: assert(const false, "`async fn` resumed after completion")
    // CHECK-NOT: _0 = Poll::<u32>::Pending;
    work();
    1
}

// EMIT_MIR returned_pending_off.async_gen-{closure#0}.coroutine_resume.0.mir
pub async gen fn async_gen() -> u32 {
    // CHECK-LABEL: fn async_gen::{closure#0}(
    // CHECK: assert(const false, "`async gen fn` resumed after panicking")
    work();
    yield 1;
}
