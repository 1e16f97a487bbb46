// `-Zasync-returned-panic` takes the words of every yes-or-no flag, alone it means yes, and the
// last one given counts.

//@ run-pass
//@ needs-unwind
//@ edition: 2024
//@ revisions: alone y yes on last_yes n no off last_no
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[alone] compile-flags: -Zasync-returned-panic
//@[y] compile-flags: -Zasync-returned-panic=y
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[on] compile-flags: -Zasync-returned-panic=on
//@[last_yes] compile-flags: -Zasync-returned-panic=no -Zasync-returned-panic=yes
//@[n] compile-flags: -Zasync-returned-panic=n
//@[no] compile-flags: -Zasync-returned-panic=no
//@[off] compile-flags: -Zasync-returned-panic=off
//@[last_no] compile-flags: -Zasync-returned-panic=yes -Zasync-returned-panic=no
//@ aux-build: polling.rs

extern crate polling;

use std::pin::pin;

use polling::{assert_pending_forever, complete, panic_message, poll_once, step};

fn main() {
    let mut future = pin!(async { step("await", 1).await });
    complete(future.as_mut(), 1);
    if cfg!(any(n, no, off, last_no)) {
        assert_pending_forever(future);
    } else {
        assert_eq!(panic_message(|| poll_once(future)), "`async fn` resumed after completion");
    }
}
