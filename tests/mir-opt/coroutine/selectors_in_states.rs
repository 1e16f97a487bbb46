//@ test-mir-pass: SelectorsInStates
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@ compile-flags: -Zmir-enable-passes=+CollapseSuspensionPoints
//@ edition: 2024
//@ needs-unwind

// What tells merged awaits apart is not saved: there is a suspension point for each.

#![feature(coroutine_trait, coroutines, gen_blocks)]

#[path = "auxiliary/examples.rs"]
pub mod examples;

use examples::{is_large, send_response};

unsafe extern "Rust" {
    safe fn work(number: u32) -> u32;
}

// EMIT_MIR selectors_in_states.in_sequence-{closure#0}.SelectorsInStates.diff
pub async fn in_sequence() {
    // CHECK-LABEL: fn in_sequence::{closure#0}(
    // CHECK: [[state:_[0-9]+]] = discriminant(
    // CHECK: switchInt(move [[state]]) -> [0: [[start:bb[0-9]+]], 1: {{bb[0-9]+}},
    // CHECK-SAME: 3: [[first:bb[0-9]+]], 4: [[second:bb[0-9]+]], otherwise:
    // CHECK: [[start]]: {
    // CHECK: [[selector:_[0-9]+]] = const 0_u8;
    // CHECK: switchInt(copy [[selector]]) -> [0: [[suspends_first:bb[0-9]+]],
    // CHECK-SAME: otherwise: [[suspends_second:bb[0-9]+]]];
    // CHECK: [[selector]] = const 1_u8;
    // CHECK: [[suspends_first]]: {
    // CHECK: discriminant({{.*}}) = 3;
    // CHECK: [[suspends_second]]: {
    // CHECK: discriminant({{.*}}) = 4;
    // CHECK: [[first]]: {
    // CHECK: [[selector]] = const 0_u8;
    // CHECK: [[second]]: {
    // CHECK: [[selector]] = const 1_u8;
    send_response(1).await;
    work(1);
    send_response(2).await;
}

// Two of four ways to a suspension point do not assign the selector that the others need. It has a
// value on these, too, before it is read.

// EMIT_MIR selectors_in_states.in_rounds-{closure#0}.SelectorsInStates.diff
pub async fn in_rounds(which: u8) -> u32 {
    // CHECK-LABEL: fn in_rounds::{closure#0}(
    // CHECK: switchInt(copy [[inner:_[0-9]+]]) -> [0: bb{{[0-9]+}}, otherwise: bb{{[0-9]+}}];
    // CHECK: switchInt(copy [[inner]]) -> [0: [[first:bb[0-9]+]], otherwise: [[second:bb[0-9]+]]];
    // CHECK: [[outer:_[0-9]+]] = const 2_u8;
    // CHECK-NEXT: [[inner]] = const 0_u8;
    // CHECK: [[outer]] = const 1_u8;
    // CHECK-NEXT: [[inner]] = const 0_u8;
    // CHECK: [[first]]: {
    // CHECK-NEXT: switchInt(copy [[outer]])
    // CHECK: [[second]]: {
    // CHECK-NEXT: switchInt(copy [[outer]])
    match which {
        0 => {
            send_response(1).await;
            if is_large(true).await == 1 { work(10) } else { work(11) }
        }
        1 => {
            send_response(1).await;
            if is_large(true).await == 1 { work(12) } else { work(13) }
        }
        2 => {
            if is_large(true).await == 1 {
                work(14)
            } else {
                work(15)
            }
        }
        _ => {
            if is_large(true).await == 1 {
                work(16)
            } else {
                work(17)
            }
        }
    }
}
