// A debugger sees a future without a state as the structure that it is, which is empty. One that
// must not be run again has two states, and is seen in either of them.

//@ revisions: OPT-1 OPT-3 OPT-Z
//@ edition: 2024
//@ ignore-msvc
//@ needs-unwind
//@ compile-flags: -Zasync-returned-panic=no -Cdebuginfo=2
//@ filecheck-flags: --implicit-check-not=Panicked
//@[OPT-1] compile-flags: -Copt-level=1
//@[OPT-3] compile-flags: -Copt-level=3
//@[OPT-Z] compile-flags: -Copt-level=z

#![crate_type = "lib"]

use std::hint::black_box;
use std::pin::{Pin, pin};

unsafe extern "Rust" {
    safe fn poll_it(future: Pin<&mut dyn Future<Output = u32>>);
}

// CHECK-DAG: name: "{async_block_env#0}", scope: {{.*}}, align: 8, elements: [[NONE:![0-9]+]]
// CHECK-DAG: [[NONE]] = !{}
pub fn constant() {
    poll_it(pin!(async { 5 }));
}

// CHECK-DAG: [[ONCE:![0-9]+]] = {{.*}}"{async_closure_env#0}", {{.*}} elements: [[PARTS:![0-9]+]]
// CHECK-DAG: [[PARTS]] = !{[[PART:![0-9]+]]}
// CHECK-DAG: [[PART]] = !DICompositeType(tag: DW_TAG_variant_part, scope: [[ONCE]]
// CHECK-DAG: name: "Unresumed", scope: [[ONCE]]
// CHECK-DAG: name: "Returned", scope: [[ONCE]]
pub fn poll_other(first: u32) {
    let runs_once = async |second| black_box(second);
    poll_it(pin!(runs_once(first)));
}
