// In generic code the only impl that there is need not be the only one that there will be: a crate
// that uses that code may add one for a type of its own.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o3
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@ aux-build: later_impls.rs
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate later_impls;
extern crate polling;

use std::cell::Cell;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use later_impls::*;
use polling::complete;

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

struct Local {
    has_waited: bool,
}

impl Future for Fundamental<Local> {
    type Output = Box<u32>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Box<u32>> {
        if std::mem::replace(&mut self.0.has_waited, true) {
            Poll::Ready(Box::new(7))
        } else {
            Poll::Pending
        }
    }
}

impl Make<Local> for Maker {
    fn five() -> Five {
        CALLS.set(CALLS.get() + 1);
        <Maker as Make<u8>>::five()
    }
}

impl MakeBoxed for Box<Local> {
    fn five() -> Five {
        <Maker as Make<Local>>::five()
    }
}

impl Line<Local> for Maker {
    #[track_caller]
    fn line() -> u32 {
        Location::caller().line()
    }
}

fn main() {
    let waits = poll_fundamental(Fundamental(Local { has_waited: false }));
    assert_eq!(complete(pin!(waits), 1), 7);
    assert_eq!(complete(pin!(call_maker::<Local>()), 0), 5);
    assert_eq!(CALLS.get(), 1);
    assert_eq!(complete(pin!(call_boxed::<Local>()), 0), 5);
    assert_eq!(CALLS.get(), 2);
    let first = complete(pin!(line::<Local>(true)), 1);
    let second = complete(pin!(line::<Local>(false)), 1);
    assert_eq!(first + 3, second);
}
