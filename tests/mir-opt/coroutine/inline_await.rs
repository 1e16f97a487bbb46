// InlineAwait takes the body of an awaited coroutine into the one that awaits it: what is left
// polls futures written by hand only, has one switch on one state, and no other coroutine in its
// layout.

//@ compile-flags: -Zasync-returned-panic=no
//@ needs-unwind
//@ edition: 2024

#![feature(coroutine_trait, coroutines, gen_blocks, stmt_expr_attributes)]

#[path = "auxiliary/examples.rs"]
pub mod examples;

// The article's examples of what should become what it awaits.
// EMIT_MIR inline_await.examples-pass_through-{closure#0}.coroutine_resume.0.mir
// CHECK-LABEL: fn pass_through::{closure#0}(
// CHECK-NOT: async fn body of send_response
// CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, 3: {{bb[0-9]+}}, otherwise:
// CHECK: <Sent as Future>::poll

// EMIT_MIR inline_await.examples-preamble_and_postamble-{closure#0}.coroutine_resume.0.mir
// CHECK-LABEL: fn preamble_and_postamble::{closure#0}(
// CHECK-NOT: <{async fn body of is_large()} as Future>::poll
// CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, 3: {{bb[0-9]+}}, otherwise:
// CHECK: <Sent as Future>::poll

#[inline(never)]
pub async fn never() -> u32 {
    examples::send_response(1).await;
    1
}

// `#[inline(never)]` is obeyed.
// EMIT_MIR inline_await.awaits_never-{closure#0}.coroutine_resume.0.mir
pub async fn awaits_never() -> u32 {
    // CHECK-LABEL: fn awaits_never::{closure#0}(
    // CHECK: <{async fn body of never()} as Future>::poll
    never().await
}

pub trait Bus {
    fn read(&mut self) -> impl Future<Output = u32>;
}

pub struct Driver<B>(B);

impl<B: Bus> Driver<B> {
    async fn register(&mut self) -> u32 {
        self.0.read().await
    }

    // What a generic body awaits is taken in as far as it is known.
    pub async fn status(&mut self) -> u32 {
        // CHECK-LABEL: fn <impl at {{.*}}>::status::{closure#0}(
        // CHECK-NOT: async fn body of Driver<B>::register()} as Future>::poll
        // CHECK: <impl Future<Output = u32> as Future>::poll
        self.register().await
    }
}

pub struct Wire;

impl Bus for Wire {
    async fn read(&mut self) -> u32 {
        examples::send_response(1).await;
        2
    }
}

// And where the parameter is known, so is what it awaits.
// EMIT_MIR inline_await.concrete-{closure#0}.coroutine_resume.0.mir
pub async fn concrete() -> u32 {
    // CHECK-LABEL: fn concrete::{closure#0}(
    // CHECK-NOT: async fn body of {{.*}} as Future>::poll
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, 3: {{bb[0-9]+}}, otherwise:
    // CHECK: <Sent as Future>::poll
    Driver(Wire).status().await
}
