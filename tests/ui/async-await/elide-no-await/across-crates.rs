// Crates with different settings and opt levels work together, in both directions. How large a
// future is, and what it answers when it has finished, is settled by the crate that defines its
// body. Every other one goes by that, also where it instantiates, inlines or awaits it.

//@ run-pass
//@ needs-unwind
//@ edition: 2024
//@ revisions: yes_o0 yes_o3 no_o0 no_o3
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes_o0] compile-flags: -Zasync-returned-panic=yes -Copt-level=0
//@[yes_o3] compile-flags: -Zasync-returned-panic=yes -Copt-level=3
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@ aux-build: ../../returned-panic/auxiliary/polling.rs
//@ aux-build: elided.rs
//@ aux-build: not_elided.rs
//@ aux-build: untouched.rs

extern crate elided;
extern crate not_elided;
extern crate polling;
extern crate untouched;

use std::fmt::Debug;
use std::pin::{Pin, pin};

use polling::{
    Traced, assert_pending_forever, complete, panic_message, poll_once, step, take_trace,
};

/// What a future answers that has finished.
#[derive(Clone, Copy)]
enum Finished {
    /// What it answered before, if its body may be run again, and `Pending` otherwise.
    Same,
    Pending,
    Panic,
}

use Finished::{Panic, Pending, Same};

/// `future` answers `output` after as many times `Pending`.
#[track_caller]
fn check<T: PartialEq + Debug>(future: impl Future<Output = T>, pending: usize, output: T) {
    assert_eq!(complete(pin!(future), pending), output);
}

#[track_caller]
fn check_finished(mut future: Pin<&mut impl Future>, finished: Finished) {
    match finished {
        Same | Pending => assert_pending_forever(future),
        Panic => {
            let message = panic_message(|| poll_once(future.as_mut()));
            assert_eq!(message, "`async fn` resumed after completion");
        }
    }
}

/// The body of `future` may be run again.
#[track_caller]
fn check_replayable<T: PartialEq + Debug>(
    future: impl Future<Output = T>,
    finished: Finished,
    output: T,
) {
    let mut future = pin!(future);
    assert_eq!(complete(future.as_mut(), 0), output);
    match finished {
        Same => assert_eq!(complete(future, 0), output),
        Pending | Panic => check_finished(future, finished),
    }
}

/// The body of `future` may not be run again.
#[track_caller]
fn check_runs_once(future: impl Future, finished: Finished) {
    let mut future = Box::pin(future);
    complete(future.as_mut(), 0);
    check_finished(future.as_mut(), finished);
}

/// What is dropped with `future` at its first suspension point.
#[track_caller]
fn dropped(future: impl Future) -> Vec<String> {
    let mut future = Box::pin(future);
    assert!(poll_once(future.as_mut()).is_pending());
    take_trace();
    drop(future);
    take_trace()
}

async fn five_here() -> u32 {
    5
}

async fn waits_here() -> u32 {
    step("here", 1).await;
    1
}

macro_rules! check_crate {
    ($krate:ident, $finished:expr) => {{
        use $krate as there;

        /// Whether it waits is known in the other crate only when that is instantiated with it.
        struct Here<const WAITS: usize>;

        impl<const WAITS: usize> there::Read for Here<WAITS> {
            async fn now(&self) -> u32 {
                step("read", WAITS).await;
                1
            }
        }

        assert_eq!(
            there::sizes(),
            [
                size_of_val(&there::five()),
                size_of_val(&there::table()),
                size_of_val(&there::inlined()),
                size_of_val(&there::awaits_five()),
                size_of_val(&there::deeper()),
                size_of_val(&there::counts()),
                size_of_val(&there::awaits_counts()),
                size_of_val(&there::waits()),
                size_of_val(&there::awaits_waits()),
            ]
        );
        assert_eq!(
            there::sizes_of_instances(),
            [
                size_of_val(&there::add(1, 2)),
                size_of_val(&there::block(1, [2; 3], true)),
                size_of_val(&there::size([0; 3])),
                size_of_val(&there::through(there::five())),
                size_of_val(&there::through(there::waits())),
                size_of_val(&there::through(there::through(there::add(1, 2)))),
                size_of_val(&there::closure()(1)),
            ]
        );

        check_replayable(there::five(), $finished, 5);
        check_replayable(there::table(), $finished, [1, 2, 3]);
        check_replayable(there::inlined(), $finished, 'i');
        check_runs_once(there::add(1, 2), $finished);
        check_runs_once(there::block(1, [2; 3], true), $finished);
        check_runs_once(there::counts(), $finished);
        check_runs_once(there::awaits_counts(), $finished);
        check_runs_once(there::through(there::counts()), $finished);

        // Awaited there, and here, and through each other.
        check(there::awaits_five(), 0, 10);
        check(there::deeper(), 0, 15);
        check(there::awaits_waits(), 1, 6);
        check(async { there::five().await + there::awaits_five().await }, 0, 15);
        check(async { there::five().await + there::waits().await }, 1, 6);
        check(async { there::add(1, 2).await + there::size([0; 3]).await as u64 }, 0, 6);
        check(there::through(five_here()), 0, 5);
        check(there::through(waits_here()), 1, 1);
        check(there::through(async { there::through(five_here()).await }), 0, 5);
        check(there::through(async { there::through(waits_here()).await }), 1, 1);
        check(async { there::closure()(five_here().await).await }, 0, 10);

        check(async { there::Read::read(&Here::<0>).await }, 0, 6);
        check(async { there::Read::read(&Here::<2>).await }, 2, 6);

        let waits = ["drop waits", "drop local of waits", "drop local of through", "drop local"];
        assert_eq!(dropped(there::awaits_waits()), waits[..2]);
        assert_eq!(dropped(there::through(there::waits())), waits[..3]);
        assert_eq!(dropped(there::through(waits_here())), ["drop here", "drop local of through"]);
        let mixed = async {
            let _local = Traced("local");
            there::five().await + there::through(there::waits()).await
        };
        assert_eq!(dropped(mixed), waits);
    }};
}

fn main() {
    check_crate!(elided, Same);
    check_crate!(not_elided, Pending);
    check_crate!(untouched, Panic);

    assert_eq!(size_of_val(&elided::five()), 0);
    assert_eq!(size_of_val(&elided::table()), 0);
    assert_eq!(size_of_val(&elided::awaits_five()), 0);

    // From one to the next.
    check(elided::through(untouched::through(not_elided::five())), 0, 5);
    check(untouched::through(not_elided::through(elided::waits())), 1, 1);
    check(not_elided::through(elided::through(untouched::awaits_waits())), 1, 6);
}
