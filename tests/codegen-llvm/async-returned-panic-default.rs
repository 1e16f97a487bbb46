// By default every poll function calls the panic of a finished future and, where unwinding is
// possible, that of a poisoned one, at any opt level.
//
// `async-returned-panic.rs` shows that `-Zasync-returned-panic=no` leaves none of them.

//@ revisions: UNWIND-0 UNWIND-3 UNWIND-S UNWIND-Z ABORT-0 ABORT-3 ABORT-S ABORT-Z
//@ edition: 2024
//@ compile-flags: -Csymbol-mangling-version=v0
//@[UNWIND-0] needs-unwind
//@[UNWIND-0] compile-flags: -Copt-level=0
//@[UNWIND-0] filecheck-flags: --check-prefix=UNWIND
//@[UNWIND-3] needs-unwind
//@[UNWIND-3] compile-flags: -Copt-level=3
//@[UNWIND-3] filecheck-flags: --check-prefix=UNWIND
//@[UNWIND-S] needs-unwind
//@[UNWIND-S] compile-flags: -Copt-level=s
//@[UNWIND-S] filecheck-flags: --check-prefix=UNWIND
//@[UNWIND-Z] needs-unwind
//@[UNWIND-Z] compile-flags: -Copt-level=z
//@[UNWIND-Z] filecheck-flags: --check-prefix=UNWIND
//@[ABORT-0] compile-flags: -Cpanic=abort -Copt-level=0
//@[ABORT-3] compile-flags: -Cpanic=abort -Copt-level=3
//@[ABORT-S] compile-flags: -Cpanic=abort -Copt-level=s
//@[ABORT-Z] compile-flags: -Cpanic=abort -Copt-level=z

#![crate_type = "lib"]
#![feature(async_iterator, gen_blocks)]

#[path = "auxiliary/polls.rs"]
mod polls;

// CHECK: ; async_returned_panic_default::polls::async_fn::{closure#0}
// CHECK: define
// CHECK: call {{.*}}panic_const_async_fn_resumed(
// UNWIND: call {{.*}}panic_const_async_fn_resumed_panic(
// CHECK: ; async_returned_panic_default::polls::async_block::{closure#0}
// CHECK: define
// CHECK: call {{.*}}panic_const_async_fn_resumed(
// UNWIND: call {{.*}}panic_const_async_fn_resumed_panic(
// CHECK: ; async_returned_panic_default::polls::async_closure::{closure#0}::{closure#0}
// CHECK: define
// CHECK: call {{.*}}panic_const_async_fn_resumed(
// UNWIND: call {{.*}}panic_const_async_fn_resumed_panic(
// UNWIND: ; async_returned_panic_default::polls::async_gen::{closure#0}
// UNWIND: define
// UNWIND: call {{.*}}panic_const_async_gen_fn_resumed_panic(
