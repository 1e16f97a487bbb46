// With the default of `-Zasync-returned-panic` every body is compiled as by the base: its resume
// function, its drop shim and what remains when all MIR passes have run.
//
// The expected files come from a compiler without our changes and must not be blessed with ours:
// `./x.py test --pristine --bless tests/mir-opt/coroutine/default_is_base.rs`
//
// `default_is_base_abort.rs` does the same without unwinding.

//@ needs-unwind
//@ edition: 2024

#![feature(coroutine_trait, coroutines, gen_blocks, stmt_expr_attributes)]

#[path = "auxiliary/examples.rs"]
pub mod examples;

// EMIT_MIR default_is_base.examples-foo-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base.examples-foo-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base.examples-foo-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn foo::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")

// EMIT_MIR default_is_base.examples-bar-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base.examples-bar-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base.examples-bar-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn bar::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")
// CHECK: assert(const false, "`async fn` resumed after panicking")

// EMIT_MIR default_is_base.examples-send_response-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base.examples-send_response-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base.examples-send_response-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn send_response::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")
// CHECK: assert(const false, "`async fn` resumed after panicking")

// EMIT_MIR default_is_base.examples-process_command-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base.examples-process_command-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base.examples-process_command-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn process_command::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")
// CHECK: assert(const false, "`async fn` resumed after panicking")

// EMIT_MIR default_is_base.examples-pass_through-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base.examples-pass_through-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base.examples-pass_through-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn pass_through::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")
// CHECK: assert(const false, "`async fn` resumed after panicking")

// EMIT_MIR default_is_base.examples-is_large-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base.examples-is_large-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base.examples-is_large-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn is_large::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")
// CHECK: assert(const false, "`async fn` resumed after panicking")

// EMIT_MIR default_is_base.examples-preamble_and_postamble-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base.examples-preamble_and_postamble-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base.examples-preamble_and_postamble-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn preamble_and_postamble::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")
// CHECK: assert(const false, "`async fn` resumed after panicking")

// EMIT_MIR default_is_base.examples-holds_across_await-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base.examples-holds_across_await-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base.examples-holds_across_await-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn holds_across_await::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")
// CHECK: assert(const false, "`async fn` resumed after panicking")

// EMIT_MIR default_is_base.examples-numbers-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base.examples-numbers-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base.examples-numbers-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn numbers::{closure#0}(
// CHECK: assert(const false, "`gen fn` should just keep returning `None` after panicking")
// CHECK: _0 = Option::<u32>::None;

// EMIT_MIR default_is_base.examples-numbers_slowly-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base.examples-numbers_slowly-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base.examples-numbers_slowly-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn numbers_slowly::{closure#0}(
// CHECK: assert(const false, "`async gen fn` resumed after panicking")
// CHECK: _0 = const {{.*}}::FINISHED;

// EMIT_MIR default_is_base.examples-coroutine-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base.examples-coroutine-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base.examples-coroutine-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn coroutine::{closure#0}(
// CHECK: assert(const false, "coroutine resumed after completion")
// CHECK: assert(const false, "coroutine resumed after panicking")
