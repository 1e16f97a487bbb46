// With the default of `-Zasync-returned-panic` every body is compiled as by the base, without
// unwinding too.
//
// The expected files come from a compiler without our changes and must not be blessed with ours:
// `./x.py test --pristine --bless tests/mir-opt/coroutine/default_is_base_abort.rs`
//
// `default_is_base.rs` does the same with unwinding.

//@ compile-flags: -Cpanic=abort
//@ edition: 2024

#![feature(coroutine_trait, coroutines, gen_blocks, stmt_expr_attributes)]

#[path = "auxiliary/examples.rs"]
pub mod examples;

// EMIT_MIR default_is_base_abort.examples-foo-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base_abort.examples-foo-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base_abort.examples-foo-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn foo::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")

// EMIT_MIR default_is_base_abort.examples-bar-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base_abort.examples-bar-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base_abort.examples-bar-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn bar::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")

// EMIT_MIR default_is_base_abort.examples-send_response-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base_abort.examples-send_response-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base_abort.examples-send_response-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn send_response::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")

// EMIT_MIR default_is_base_abort.examples-process_command-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base_abort.examples-process_command-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base_abort.examples-process_command-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn process_command::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")

// EMIT_MIR default_is_base_abort.examples-pass_through-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base_abort.examples-pass_through-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base_abort.examples-pass_through-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn pass_through::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")

// EMIT_MIR default_is_base_abort.examples-is_large-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base_abort.examples-is_large-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base_abort.examples-is_large-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn is_large::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")

// EMIT_MIR default_is_base_abort.examples-preamble_and_postamble-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base_abort.examples-preamble_and_postamble-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base_abort.examples-preamble_and_postamble-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn preamble_and_postamble::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")

// EMIT_MIR default_is_base_abort.examples-holds_across_await-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base_abort.examples-holds_across_await-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base_abort.examples-holds_across_await-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn holds_across_await::{closure#0}(
// CHECK: assert(const false, "`async fn` resumed after completion")

// EMIT_MIR default_is_base_abort.examples-numbers-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base_abort.examples-numbers-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base_abort.examples-numbers-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn numbers::{closure#0}(
// CHECK: _0 = Option::<u32>::None;

// EMIT_MIR default_is_base_abort.examples-numbers_slowly-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base_abort.examples-numbers_slowly-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base_abort.examples-numbers_slowly-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn numbers_slowly::{closure#0}(
// CHECK: _0 = const {{.*}}::FINISHED;

// EMIT_MIR default_is_base_abort.examples-coroutine-{closure#0}.coroutine_resume.0.mir
// EMIT_MIR default_is_base_abort.examples-coroutine-{closure#0}.coroutine_drop.0.mir
// EMIT_MIR default_is_base_abort.examples-coroutine-{closure#0}.PreCodegen.after.mir
// CHECK-LABEL: fn coroutine::{closure#0}(
// CHECK: assert(const false, "coroutine resumed after completion")
