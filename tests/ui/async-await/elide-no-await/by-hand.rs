// A coroutine that is written by hand may poll as an await does, and yet do other things: between
// the poll and what is polled, or with an answer that is not pending. It does all of that.

//@ run-pass
//@ needs-unwind
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![feature(coroutine_trait, coroutines, gen_future)]
#![allow(internal_features)]

extern crate polling;

use std::future::{IntoFuture, ResumeTy, get_context};
use std::hint::black_box;
use std::ops::{Coroutine, CoroutineState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use polling::{Traced, take_trace, trace};

fn resume<C: Coroutine<ResumeTy, Yield = (), Return = u32>>(coroutine: Pin<&mut C>) -> Option<u32> {
    let mut context = Context::from_waker(Waker::noop());
    let context: ResumeTy = unsafe { std::mem::transmute(&mut context) };
    match coroutine.resume(context) {
        CoroutineState::Complete(output) => Some(output),
        CoroutineState::Yielded(()) => None,
    }
}

async fn ready(traced: Traced) -> u32 {
    trace(format!("run {}", traced.0));
    5
}

/// It suspends with an answer, too.
fn suspends_when_ready<F: Future<Output = u32>>(
    future: F,
) -> impl Coroutine<ResumeTy, Yield = (), Return = u32> {
    #[coroutine]
    static move |context: ResumeTy| {
        let context = context;
        match IntoFuture::into_future(future) {
            mut awaitee => match unsafe {
                Future::poll(Pin::new_unchecked(&mut awaitee), get_context(context))
            } {
                Poll::Ready(output) if output != 5 => output,
                _ => {
                    let _: ResumeTy = yield ();
                    trace("resumed");
                    7
                }
            },
        }
    }
}

/// It leaves what it made, on two ways, before it polls it.
fn leaves_before(how: u32) -> impl Coroutine<ResumeTy, Yield = (), Return = u32> {
    #[coroutine]
    static move |context: ResumeTy| {
        let context = context;
        let output = match IntoFuture::into_future(ready(Traced("awaitee"))) {
            mut awaitee => {
                if black_box(how) == 1 {
                    return 9;
                }
                if black_box(how) == 2 {
                    panic!("between");
                }
                match unsafe {
                    Future::poll(Pin::new_unchecked(&mut awaitee), get_context(context))
                } {
                    Poll::Ready(output) => output,
                    Poll::Pending => 77,
                }
            }
        };
        if how == 3 {
            let _: ResumeTy = yield ();
        }
        output
    }
}

fn main() {
    let mut coroutine = Box::pin(suspends_when_ready(ready(Traced("awaitee"))));
    assert_eq!(resume(coroutine.as_mut()), None);
    assert_eq!(resume(coroutine.as_mut()), Some(7));
    assert_eq!(take_trace(), ["run awaitee", "drop awaitee", "resumed"]);

    for (how, output) in [(0, Some(5)), (1, Some(9)), (2, None)] {
        let mut coroutine = Box::pin(leaves_before(how));
        let resumed = catch_unwind(AssertUnwindSafe(|| resume(coroutine.as_mut())));
        assert_eq!(resumed.ok().flatten(), output);
        assert_eq!(take_trace().last().unwrap(), "drop awaitee");
    }
}
