//@ test-mir-pass: SelectorsInStates
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@ compile-flags: -Zmir-enable-passes=+CollapseSuspensionPoints
//@ edition: 2024
//@ needs-unwind

// What tells merged awaits apart is not saved: there is a suspension point for each.

#![feature(coroutine_trait, coroutines, gen_blocks)]

#[path = "auxiliary/examples.rs"]
pub mod examples;

use examples::send_response;

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
