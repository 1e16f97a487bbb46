// An argument of an async fn that is needed behind a suspension point is kept once.

//@ run-pass
//@ edition: 2024
//@ compile-flags: -Copt-level=2 -Zvalidate-mir -Zlint-mir
//@ revisions: on off
//@[on] compile-flags: -Zasync-returned-panic=no
//@[off] compile-flags: -Zasync-returned-panic=no -Zmir-enable-passes=-UpvarsInPlace

#![allow(unused_assignments)]

use std::future::{Future, pending};
use std::hint::black_box;

struct Droppy([u8; 100]);

impl Drop for Droppy {
    fn drop(&mut self) {
        black_box(&self.0);
    }
}

async fn array(array: [u8; 1000]) -> u8 {
    pending::<()>().await;
    black_box(&array)[7]
}

async fn drops(droppy: Droppy) {
    pending::<()>().await;
    drop(droppy);
}

struct Large([u8; 1000]);

impl Large {
    async fn takes_self(mut self) {
        pending::<()>().await;
        self.0[1] = 2;
        pending::<()>().await;
        black_box(&self.0);
    }
}

/// There is no second place, in which the argument is replaced; only what is there by then is.
async fn replaced(mut array: [u8; 1000]) -> u8 {
    pending::<()>().await;
    array = black_box([3; 1000]);
    pending::<()>().await;
    black_box(&array)[7]
}

#[track_caller]
fn check(future: impl Future, once: usize) {
    let size = size_of_val(&future);
    if cfg!(on) {
        assert!((once..once + 24).contains(&size), "{size}");
    } else {
        assert!(size >= 2 * once, "{size}");
    }
}

fn main() {
    check(array([0; 1000]), 1000);
    check(drops(Droppy([0; 100])), 100);
    check(Large([0; 1000]).takes_self(), 1000);
    check(replaced([0; 1000]), 1000);
}
