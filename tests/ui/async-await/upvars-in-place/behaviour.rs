// What is captured is dropped when it would be if the body had moved it to a local first: at the
// end of the scope, when it is moved on or replaced, when the future is dropped at any suspension
// point, and when the body panics. What is borrowed stays where it is.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level2 level3 levelz debuginfo abort
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=2
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[debuginfo] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -g
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Cpanic=abort
//@ aux-build: drops.rs
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![allow(unused_assignments)]

extern crate drops;
extern crate polling;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};

use drops::{count_events, event, run, take_events};
use polling::once;

struct Droppy(u32);

impl Drop for Droppy {
    fn drop(&mut self) {
        event(self.0);
    }
}

async fn stays(a: Droppy, b: Droppy) -> u32 {
    let borrowed = &a;
    once().await;
    drop(b);
    once().await;
    borrowed.0
}

async fn mutates(mut number: u32, mut array: [u32; 3], index: usize) -> u32 {
    number += 1;
    array[index] += number;
    once().await;
    number += 1;
    array[index] += number;
    once().await;
    array.iter().sum::<u32>() * 100 + number
}

async fn replaces(mut a: Droppy) -> u32 {
    once().await;
    a = Droppy(2);
    once().await;
    a.0
}

async fn patterns((a, _): (Droppy, Droppy), array: [Droppy; 2]) -> u32 {
    once().await;
    let [first, _] = array;
    once().await;
    a.0 + first.0
}

async fn may_drop(a: Droppy, drops: bool) -> u32 {
    once().await;
    if drops {
        drop(a);
    }
    once().await;
    count_events() as u32
}

async fn panics(a: Droppy, b: Droppy) -> u32 {
    let kept = b;
    once().await;
    if a.0 == 1 {
        panic!("after an await");
    }
    kept.0
}

struct Driver(Droppy);

impl Driver {
    async fn by_value(mut self, number: &mut u32) -> u32 {
        *number += self.0.0;
        once().await;
        self.0 = Droppy(*number);
        *number += 1;
        once().await;
        *number
    }
}

fn main() {
    let not_polled = (None, vec![1, 2]);
    assert_eq!(
        run(|| stays(Droppy(1), Droppy(2))),
        [
            not_polled.clone(),
            (None, vec![2, 1]),
            (None, vec![2, 1]),
            (Some(1), vec![2, 1]),
        ]
    );
    assert_eq!(
        run(|| mutates(1, [1, 2, 3], 1))[3],
        (Some((1 + (2 + 2 + 3) + 3) * 100 + 3), vec![])
    );
    assert_eq!(
        run(|| replaces(Droppy(1))),
        [(None, vec![1]), (None, vec![1]), (None, vec![1, 2]), (Some(2), vec![1, 2])]
    );
    let pair = || (Droppy(1), Droppy(2));
    assert_eq!(
        run(|| patterns(pair(), [Droppy(3), Droppy(4)])),
        [
            (None, vec![1, 2, 3, 4]),
            (None, vec![4, 3, 1, 2]),
            (None, vec![3, 4, 1, 2]),
            (Some(4), vec![3, 4, 1, 2]),
        ]
    );
    for drops in [false, true] {
        let results = run(|| may_drop(Droppy(1), drops));
        assert!(results.iter().all(|(_, dropped)| *dropped == [1]));
        assert_eq!(results[3].0, Some(u32::from(drops)));
    }
    assert_eq!(run(|| panics(Droppy(3), Droppy(2)))[2], (Some(2), vec![2, 3]));
    if cfg!(panic = "unwind") {
        let mut future = Box::pin(panics(Droppy(1), Droppy(2)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        take_events();
        let poll = || future.as_mut().poll(&mut context);
        assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
        assert_eq!(take_events(), [2, 1]);
        drop(future);
        assert_eq!(take_events(), []);
    }
    let drives = async || {
        let mut number = 1;
        let answer = Driver(Droppy(5)).by_value(&mut number).await;
        answer * 10 + number
    };
    assert_eq!(
        run(|| drives()),
        [(None, vec![]), (None, vec![5]), (None, vec![5, 6]), (Some(77), vec![5, 6])]
    );
}
