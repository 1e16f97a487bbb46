// Where panics abort no future is ever poisoned, so that none without suspension points has a
// variant for it, whoever answers when it has returned. A body that may panic is not run again
// there either.

//@ compile-flags: -Zasync-returned-panic=no -Cpanic=abort -Coverflow-checks=on
//@ edition: 2024

#![feature(gen_blocks)]

unsafe extern "Rust" {
    safe fn work() -> u32;
}

// EMIT_MIR elide_no_await_abort.overflows-{closure#0}.coroutine_resume.0.mir
pub async fn overflows() -> u8 {
    // CHECK-LABEL: fn overflows::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    // CHECK: assert(
    let mut number = 200_u8;
    while number != 3 {
        number += 100;
    }
    number
}

// EMIT_MIR elide_no_await_abort.runs_once-{closure#0}.coroutine_resume.0.mir
pub async fn runs_once() -> u32 {
    // CHECK-LABEL: fn runs_once::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    work()
}

// EMIT_MIR elide_no_await_abort.gen_fn-{closure#0}.coroutine_resume.0.mir
pub gen fn gen_fn() -> u32 {
    // CHECK-LABEL: fn gen_fn::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, otherwise: {{bb[0-9]+}}];
    work();
}
