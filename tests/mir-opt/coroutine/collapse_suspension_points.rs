//@ test-mir-pass: CollapseSuspensionPoints
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@ edition: 2024
//@ needs-unwind

// Awaits that do the same share one suspension point, so that the coroutine has one state for them:
// the third variant, behind those of one that has not been polled, has returned, and has panicked.

#![feature(coroutine_trait, coroutines, gen_blocks)]

#[path = "auxiliary/examples.rs"]
pub mod examples;

use examples::{CommandId, send_response};

unsafe extern "Rust" {
    safe fn choose() -> CommandId;
    safe fn work(number: u32) -> u32;
}

// The article's example. The call that makes the awaitee is there once, too.
// EMIT_MIR collapse_suspension_points.examples-process_command-{closure#0}.coroutine_resume.0.mir
// CHECK-LABEL: fn process_command::{closure#0}(
// CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, 3: {{bb[0-9]+}}, otherwise:
// CHECK: = const 456_u32;
// CHECK: = const 123_u32;
// CHECK-NOT: = send_response(const
// CHECK-COUNT-1: = send_response(move

// Behind the awaits the body goes on differently, by what a selector says.
// EMIT_MIR collapse_suspension_points.in_sequence-{closure#0}.CollapseSuspensionPoints.diff
pub async fn in_sequence() -> u32 {
    // CHECK-LABEL: fn in_sequence::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}}, 1: {{bb[0-9]+}}, 3: {{bb[0-9]+}}, otherwise:
    // CHECK: = const 0_u8;
    // CHECK-COUNT-1: <{async fn body of examples::send_response()} as Future>::poll
    // CHECK: switchInt(copy ({{.*}}: u8)) -> [0: {{bb[0-9]+}}, otherwise:
    // CHECK-NOT: <{async fn body of examples::send_response()} as Future>::poll
    send_response(1).await;
    work(1);
    send_response(2).await;
    2
}

// A value with a drop is held across the second await only, so the way out parts there, too, and
// the cleanup: that costs more than it saves.
pub async fn holds_more(name: String) -> usize {
    // CHECK-LABEL: fn holds_more::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{.*}}, 3: {{bb[0-9]+}}, 4: {{bb[0-9]+}}, otherwise:
    // CHECK-COUNT-2: <{async fn body of examples::send_response()} as Future>::poll
    send_response(1).await;
    let line = name.clone();
    send_response(2).await;
    line.len()
}

// Each arm holds what the other one does not.
pub async fn holds_others(number: u32) -> u32 {
    // CHECK-LABEL: fn holds_others::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{.*}}, 3: {{bb[0-9]+}}, 4: {{bb[0-9]+}}, otherwise:
    match choose() {
        CommandId::A => {
            let held = [number; 2];
            send_response(1).await;
            held[0]
        }
        CommandId::B => {
            let held = [number; 3];
            send_response(2).await;
            held[1]
        }
    }
}

// Awaitees of different types have different states.
pub async fn of_two_types() {
    // CHECK-LABEL: fn of_two_types::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{.*}}, 3: {{bb[0-9]+}}, 4: {{bb[0-9]+}}, otherwise:
    match choose() {
        CommandId::A => send_response(1).await,
        CommandId::B => examples::pass_through(2).await,
    }
}
