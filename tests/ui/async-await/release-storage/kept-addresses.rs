// A local whose address somebody may still have keeps its storage and its value, whether or not it
// was moved: a pointer may be read as long as there is storage.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level2 level3 levels levelz abort all
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=2
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[levels] compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Cpanic=abort
//@[all] compile-flags: -Zasync-returned-panic=no-at-all-levels
//@ aux-build: lend.rs
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate lend;
extern crate polling;

use std::hint::black_box;

use lend::{KeepsItself, Request, Slot, read, read_kept};
use polling::{finish, once};

/// Suspends with something that would take the place of what has no storage.
async fn fill() {
    let mut request = black_box(Request::new(99));
    once().await;
    request.set(98);
    once().await;
    assert_eq!(black_box(&request).id(), 98);
}

/// Each lends a request, moves it away, and reads it by the address that was kept.
macro_rules! moved {
    ($($name:ident($request:ident) $lend:expr, $read:expr;)*) => { $(
        async fn $name() -> u32 {
            once().await;
            let $request = black_box(Request::new(7));
            let kept = $lend;
            let moved = $request;
            fill().await;
            assert_eq!(moved.id(), 7);
            drop(moved);
            fill().await;
            $read(kept)
        }
    )* };
}

moved! {
    by_thread(request) request.keep(), |()| read_kept();
    by_others(request) request.keep_by_others(), |()| read_kept();
    by_recursion(request) request.keep_at(3), |()| read_kept();
    by_callback(request) request.keep_by(|request| request.keep()), |()| read_kept();
    by_local_function(request) keeps(&request), |()| read_kept();
    by_function_pointer(request) black_box(Request::keep as fn(&_))(&request), |()| read_kept();
    by_answer(request) request.pointer(), read;
    by_identity(request) request.identity() as *const Request, read;
    by_part(request) request.part(), |part: lend::Part| unsafe { *part.into_last() };
    by_borrowed_part(request) request.part(), |part: lend::Part| part.read();
    by_exposed(request) request.expose(), |number| read(std::ptr::with_exposed_provenance(number));
    by_pointer_to_pointer(request) {
        let pointer = &raw const request;
        black_box(&pointer);
        pointer
    }, read;
    by_slot(request) {
        let mut slot = Slot(std::ptr::null());
        request.keep_in(&mut slot);
        slot
    }, |slot: Slot| read(slot.0);
    by_array(request) [std::ptr::null(), &raw const request], |array: [_; 2]| read(array[1]);
    by_closure(request) {
        let pointer = &raw const request;
        move || read(pointer)
    }, |closure: _| call(closure);
    by_box(request) Box::new(&raw const request), |pointer: Box<_>| read(*pointer);
    by_transmute(request) {
        unsafe { std::mem::transmute::<&Request, &'static Request>(&request) }
    }, |request: &'static Request| request.id();
    by_offset(request) (&raw const request).wrapping_add(2), |pointer: *const Request| {
        read(pointer.wrapping_sub(2))
    };
}

fn call(closure: impl Fn() -> u32) -> u32 {
    closure()
}

fn keeps(request: &Request) {
    request.keep();
}

/// Nothing mentions the local any more, but its address was kept.
async fn not_moved() -> u32 {
    once().await;
    let request = black_box(Request::new(6));
    request.keep();
    fill().await;
    fill().await;
    read_kept()
}

async fn dropped() -> u32 {
    once().await;
    let keeps = KeepsItself(black_box(Request::new(5)));
    assert_eq!(keeps.0.id(), 5);
    {
        let request = keeps;
        once().await;
        drop(black_box(request));
    }
    let mut keeps = KeepsItself(black_box(Request::new(4)));
    fill().await;
    assert_eq!(keeps.0.id(), 4);
    // It is dropped where it is.
    keeps = KeepsItself(black_box(Request::new(3)));
    keeps.0.keep();
    fill().await;
    read_kept()
}

/// The address is that of the iteration before, whose storage has not ended.
async fn in_a_loop() -> u32 {
    let mut request = Request::new(0);
    let mut sum = 0;
    for id in 1..=3 {
        let moved = request;
        fill().await;
        if id > 1 {
            sum += read_kept();
        }
        request = black_box(Request::new(moved.id() + 1));
        request.keep();
        once().await;
    }
    sum
}

/// It may have escaped on one way.
async fn on_one_way(keeps: bool) -> u32 {
    once().await;
    let request = black_box(Request::new(7));
    if keeps {
        request.keep();
    } else {
        assert_eq!(request.id(), 7);
    }
    let moved = request;
    fill().await;
    let id = moved.id();
    fill().await;
    if keeps { read_kept() } else { id }
}

fn main() {
    assert_eq!(finish(by_thread()), 7);
    assert_eq!(finish(by_others()), 7);
    assert_eq!(finish(by_recursion()), 7);
    assert_eq!(finish(by_callback()), 7);
    assert_eq!(finish(by_local_function()), 7);
    assert_eq!(finish(by_function_pointer()), 7);
    assert_eq!(finish(by_answer()), 7);
    assert_eq!(finish(by_identity()), 7);
    assert_eq!(finish(by_part()), 7);
    assert_eq!(finish(by_borrowed_part()), 7);
    assert_eq!(finish(by_exposed()), 7);
    assert_eq!(finish(by_pointer_to_pointer()), 7);
    assert_eq!(finish(by_slot()), 7);
    assert_eq!(finish(by_array()), 7);
    assert_eq!(finish(by_closure()), 7);
    assert_eq!(finish(by_box()), 7);
    assert_eq!(finish(by_transmute()), 7);
    assert_eq!(finish(by_offset()), 7);
    assert_eq!(finish(not_moved()), 6);
    assert_eq!(finish(dropped()), 3);
    assert_eq!(finish(in_a_loop()), 3);
    assert_eq!(finish(on_one_way(true)), 7);
    assert_eq!(finish(on_one_way(false)), 7);
}
