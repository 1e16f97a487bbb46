// `-Zasync-returned-panic` is tracked: what was compiled with one setting is not taken over when
// the crate is compiled with the other.

//@ revisions: rpass1 rpass2 rpass3
//@ edition: 2024
//@ needs-unwind
//@[rpass2] compile-flags: -Zasync-returned-panic=no

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

fn main() {
    // A body that is not run again.
    let mut future = pin!(async { drop(black_box(5)) });
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_ready());

    let again = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
    if cfg!(rpass2) {
        assert!(again.unwrap().is_pending());
    } else {
        assert!(again.is_err());
    }
}
