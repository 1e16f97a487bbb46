// A body with inline assembly stays one: the assembly may define symbols.

//@ build-pass
//@ edition: 2024
//@ needs-asm-support
//@ only-x86_64
//@ revisions: yes no
//@ compile-flags: -Copt-level=0
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no-at-all-levels

#![allow(named_asm_labels)]

use std::arch::asm;
use std::future::pending;
use std::pin::pin;
use std::task::{Context, Waker};

async fn defines() {
    unsafe { asm!(".globl defined_once", "defined_once:") }
    pending::<()>().await;
}

async fn awaits_it_twice() {
    defines().await;
    defines().await;
}

fn main() {
    let _ = pin!(awaits_it_twice()).poll(&mut Context::from_waker(Waker::noop()));
}
