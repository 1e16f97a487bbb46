// A body with an asynchronous drop has a second function that reads its state, and that one tells a
// poisoned future from a finished one. So the two keep states of their own, though both answer
// `Pending`.
//
// The dump of such a body names items of core by numbers that another core has not, so the claim
// stands in the CHECK lines alone.

//@ test-mir-pass: ReturnedPending
//@ compile-flags: -Zasync-returned-panic=no
//@ needs-unwind
//@ edition: 2024

#![feature(async_drop)]
#![allow(incomplete_features)]

use std::future::AsyncDrop;
use std::pin::Pin;

pub struct Resource;

impl Drop for Resource {
    fn drop(&mut self) {}
}

impl AsyncDrop for Resource {
    async fn drop(self: Pin<&mut Self>) {}
}

fn work() {}

pub async fn holds() {
    // CHECK-LABEL: fn holds::{closure#0}(
    // CHECK: switchInt({{.*}}) -> [0: {{bb[0-9]+}},
    // CHECK-SAME: 1: [[PENDING:bb[0-9]+]], 2: [[PENDING]], 3:
    // CHECK: discriminant({{.*}}) = 2;
    // CHECK-NEXT: resume;
    // CHECK: [[PENDING]]: {
    // CHECK-NEXT: _0 = Poll::<()>::Pending;
    // CHECK-NEXT: return;
    let _resource = Resource;
    work();
}
