// The linker may put another definition in the place of one that is linked weakly, or that has a
// name by which it is found. The body of such a `poll` says nothing of what runs. Here the
// library's are always ready; the program's wait once.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ only-linux
//@ aux-build: weak.rs
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate polling;
extern crate weak;

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use polling::complete;
use weak::{LinkedOnce, Weak};

#[unsafe(export_name = "weak_poll")]
pub fn strong(this: Pin<&mut Weak>, _: &mut Context<'_>) -> Poll<String> {
    let this = this.get_mut();
    if std::mem::replace(&mut this.0, false) {
        Poll::Pending
    } else {
        Poll::Ready("strong".to_owned())
    }
}

#[unsafe(export_name = "linked_once_poll")]
pub fn stronger(this: Pin<&mut LinkedOnce>, _: &mut Context<'_>) -> Poll<String> {
    let this = this.get_mut();
    if std::mem::replace(&mut this.0, false) {
        Poll::Pending
    } else {
        Poll::Ready("stronger".to_owned())
    }
}

async fn here() -> (String, String) {
    (Weak(true).await, LinkedOnce(true).await)
}

fn main() {
    assert_eq!(complete(pin!(here()), 2), ("strong".to_owned(), "stronger".to_owned()));
    let there = weak::there();
    assert_eq!(complete(pin!(there), 2), ("strong".to_owned(), "stronger".to_owned()));
}
