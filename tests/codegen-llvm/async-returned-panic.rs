// With `-Zasync-returned-panic=no` no poll function calls a panic of a finished or poisoned future,
// and the module names none, at any opt level, with unwinding and without. Without unwinding it
// names no panic at all, for the bodies have none of their own.
//
// `async-returned-panic-default.rs` shows that the panics are there without the flag.

//@ revisions: UNWIND-0 UNWIND-3 UNWIND-S UNWIND-Z ABORT-0 ABORT-3 ABORT-S ABORT-Z
//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Csymbol-mangling-version=v0
//@ filecheck-flags: --implicit-check-not=resumed --implicit-check-not=panic_const
//@[UNWIND-0] needs-unwind
//@[UNWIND-0] compile-flags: -Copt-level=0
//@[UNWIND-3] needs-unwind
//@[UNWIND-3] compile-flags: -Copt-level=3
//@[UNWIND-S] needs-unwind
//@[UNWIND-S] compile-flags: -Copt-level=s
//@[UNWIND-Z] needs-unwind
//@[UNWIND-Z] compile-flags: -Copt-level=z
//@[ABORT-0] compile-flags: -Cpanic=abort -Copt-level=0
//@[ABORT-0] filecheck-flags: --implicit-check-not=panicking
//@[ABORT-3] compile-flags: -Cpanic=abort -Copt-level=3
//@[ABORT-3] filecheck-flags: --implicit-check-not=panicking
//@[ABORT-S] compile-flags: -Cpanic=abort -Copt-level=s
//@[ABORT-S] filecheck-flags: --implicit-check-not=panicking
//@[ABORT-Z] compile-flags: -Cpanic=abort -Copt-level=z
//@[ABORT-Z] filecheck-flags: --implicit-check-not=panicking

#![crate_type = "lib"]
#![feature(async_iterator, gen_blocks)]

#[path = "auxiliary/polls.rs"]
mod polls;

// CHECK: ; async_returned_panic::polls::async_fn::{closure#0}
// CHECK: define
// CHECK: ; async_returned_panic::polls::async_block::{closure#0}
// CHECK: define
// CHECK: ; async_returned_panic::polls::async_closure::{closure#0}::{closure#0}
// CHECK: define
// CHECK: ; async_returned_panic::polls::async_gen::{closure#0}
// CHECK: define
