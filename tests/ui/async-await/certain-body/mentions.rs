// What fails to compile for what a body mentions fails if a pass removes what mentioned it: the
// drop of an awaitee, of what is saved where nothing suspends, code behind an await that never
// ends.

//@ build-fail
//@ edition: 2024
//@ revisions: yes no_o1 no_o3 no_oz abort
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes -Copt-level=3
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=3 -Cpanic=abort
//@ no-prefer-dynamic
//@ dont-check-compiler-stderr

use std::mem::{ManuallyDrop, forget};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

struct Droppy<const KIND: usize>;

impl<const KIND: usize> Drop for Droppy<KIND> {
    fn drop(&mut self) {
        const { assert!(KIND > 10, "is dropped") }
        //~^ ERROR evaluation panicked: is dropped
        //~| ERROR evaluation panicked: is dropped
        //~| ERROR evaluation panicked: is dropped
    }
}

fn called<const KIND: usize>() -> u32 {
    const { assert!(KIND > 10, "is called") }
    //~^ ERROR evaluation panicked: is called
    1
}

async fn wait() {
    let mut has_waited = false;
    std::future::poll_fn(move |_| {
        if std::mem::replace(&mut has_waited, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

/// Is never pending.
async fn forgets(droppy: Droppy<0>) -> u32 {
    forget(droppy);
    1
}

/// Is inlined.
async fn keeps(droppy: Droppy<1>) -> u32 {
    let _droppy = ManuallyDrop::new(droppy);
    wait().await;
    1
}

async fn forever() -> u32 {
    loop {
        wait().await;
    }
}

async fn outer() -> u32 {
    let droppy = Droppy::<2>;
    let answer = forgets(Droppy).await + keeps(Droppy).await;
    forget(droppy);
    if forever().await > 0 { called::<3>() } else { answer }
}

/// Is never polled, so nothing in it fails.
async fn never_polled() -> u32 {
    wait().await;
    called::<4>()
}

fn main() {
    drop(never_polled());
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(outer()).poll(&mut context).is_pending());
}
