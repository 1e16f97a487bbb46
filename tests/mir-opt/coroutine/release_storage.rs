// ReleaseStorage ends the storage of a local that was borrowed where its value is not needed any
// more, and where nobody can have its address. It is then not saved: what is saved behind it is the
// first field of its state.

//@ compile-flags: -Zasync-returned-panic=no -Cpanic=abort
//@ edition: 2024

use std::future::pending;
use std::hint::black_box;

type Buffer = Option<[u8; 100]>;

// `is_some` is a function of another crate, and keeps no address.
// EMIT_MIR release_storage.moved-{closure#0}.ReleaseStorage.after.mir
pub async fn moved() -> Buffer {
    // CHECK-LABEL: fn moved::{closure#0}(
    // CHECK: debug first => (((*{{.*}}) as variant#3).0: std::option::Option<[u8; 100]>);
    // CHECK: debug second => (((*{{.*}}) as variant#4).0: std::option::Option<[u8; 100]>);
    let first = black_box(Some([1; 100]));
    pending::<()>().await;
    if first.is_some() {
        let second = first;
        pending::<u8>().await;
        return second;
    }
    None
}

// It is needed as long as a local has its address.
// EMIT_MIR release_storage.held-{closure#0}.ReleaseStorage.after.mir
pub async fn held() -> u16 {
    // CHECK-LABEL: fn held::{closure#0}(
    // CHECK: debug first => (((*{{.*}}) as variant#{{[345]}}).0: [u16; 50]);
    // CHECK: debug address => (((*{{.*}}) as variant#4).1: *const u16);
    // CHECK: debug number => (((*{{.*}}) as variant#5).0: u16);
    let first = black_box([1; 50]);
    pending::<()>().await;
    let address = first.as_ptr();
    pending::<u8>().await;
    let number = unsafe { *address };
    pending::<u16>().await;
    number
}

// A function of this crate may keep the address, for all that is known.
// EMIT_MIR release_storage.kept-{closure#0}.ReleaseStorage.after.mir
pub async fn kept() -> u16 {
    // CHECK-LABEL: fn kept::{closure#0}(
    // CHECK: debug first => (((*{{.*}}) as variant#{{[345]}}).0: [u16; 50]);
    // CHECK: debug number => (((*{{.*}}) as variant#{{[345]}}).1: u16);
    let first = black_box([1; 50]);
    pending::<()>().await;
    let number = keep(&first);
    pending::<u8>().await;
    number
}

fn keep(buffer: &[u16; 50]) -> u16 {
    black_box(buffer)[7]
}
