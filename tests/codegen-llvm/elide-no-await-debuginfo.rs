// A debugger sees a future without a state as the structure that it is: empty, or with the captures
// as its members. One that must not be run again has two states, and is seen in either of them.

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

// CHECK-DAG: [[PAIR:![0-9]+]] = {{.*}}"{async_fn_env#0}", {{.*}} elements: [[UPVARS:![0-9]+]]
// CHECK-DAG: [[UPVARS]] = !{[[FIRST:![0-9]+]], [[SECOND:![0-9]+]]}
// CHECK-DAG: [[FIRST]] = {{.*}}_member, name: "first", scope: [[PAIR]], {{.*}} size: 8, {{.*}}: 32)
// CHECK-DAG: [[SECOND]] = {{.*}}_member, name: "second", scope: [[PAIR]], {{.*}} align: 32)
async fn with_captures(first: u8, second: u32) -> u32 {
    first as u32 ^ second
}

// CHECK-DAG: [[ONCE:![0-9]+]] = {{.*}}"{async_closure_env#0}", {{.*}} elements: [[PARTS:![0-9]+]]
// CHECK-DAG: [[PARTS]] = !{[[PART:![0-9]+]]}
// CHECK-DAG: [[PART]] = !DICompositeType(tag: DW_TAG_variant_part, scope: [[ONCE]]
// CHECK-DAG: name: "Unresumed", scope: [[ONCE]]
// CHECK-DAG: name: "Returned", scope: [[ONCE]]
pub fn poll_others(first: u8, second: u32) {
    poll_it(pin!(with_captures(first, second)));
    let runs_once = async |third| black_box(third);
    poll_it(pin!(runs_once(second)));
}
