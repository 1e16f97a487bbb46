// A body runs at most once, unless running it again cannot be told from not running it. Here are
// the bodies for which it can: a function for each, named for what its body does. Every body is
// sound because it runs once. With `-Zasync-returned-panic=no` the second poll is `Pending`.
//
// `one-of-a-kind.rs` is about bodies that only compute, but what they compute must not be there
// twice; `replayable.rs` about those that may be run again.

//@ run-pass
//@ no-prefer-dynamic
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz yes_abort no_abort_o0 no_abort_o3 no_abort_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Coverflow-checks=on
//@[yes] needs-unwind
//@[yes] compile-flags: -Zasync-returned-panic=yes -Copt-level=3
//@[no_o0] needs-unwind
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] needs-unwind
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] needs-unwind
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] needs-unwind
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[yes_abort] compile-flags: -Zasync-returned-panic=yes -Copt-level=3 -Cpanic=abort
//@[no_abort_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0 -Cpanic=abort
//@[no_abort_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3 -Cpanic=abort
//@[no_abort_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z -Cpanic=abort
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![feature(thread_local)]

extern crate polling;

use std::cell::Cell;
use std::hint::black_box;
use std::mem::{ManuallyDrop, transmute};
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use polling::{Traced, assert_pending_forever, complete, panic_message, poll_once, take_trace};

/// Asks a future that has no answer left. Nothing may happen then, nor when it is dropped.
#[track_caller]
fn check_finished(mut future: Pin<Box<impl Future>>, message: &str) {
    if cfg!(yes) {
        assert_eq!(panic_message(|| poll_once(future.as_mut())), message);
    } else if !cfg!(yes_abort) {
        assert_pending_forever(future.as_mut());
    }
    drop(future);
    assert!(take_trace().is_empty());
}

/// `future` is ready at its first poll and at no other. `finally` takes its output, and may undo
/// whatever the body relied on when it ran. Up to there the trace is as `expected`.
#[track_caller]
fn check<F: Future>(future: F, expected: &[&str], finally: impl FnOnce(F::Output)) {
    take_trace();
    let mut future = Box::pin(future);
    finally(complete(future.as_mut(), 0));
    assert_eq!(take_trace(), expected);
    check_finished(future, "`async fn` resumed after completion");
}

/// `future` panics at its first poll and at no other. It is never polled where that would abort.
#[track_caller]
fn check_panics(future: impl Future, message: &str) {
    if cfg!(panic = "unwind") {
        let mut future = Box::pin(future);
        assert_eq!(panic_message(|| poll_once(future.as_mut())), message);
        check_finished(future, "`async fn` resumed after panicking");
    }
}

fn leak<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

fn free<T>(pointer: *mut T) {
    drop(unsafe { Box::from_raw(pointer) });
}

// A call.

fn calls_what_frees() {
    let pointer = leak(Traced("boxed"));
    check(async move { drop(unsafe { Box::from_raw(pointer) }) }, &["drop boxed"], drop);
}

fn calls_what_counts() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    check(async { COUNT.fetch_add(1, Ordering::Relaxed) }, &[], |count| assert_eq!(count, 0));
    assert_eq!(COUNT.load(Ordering::Relaxed), 1);
}

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

fn calls_what_counts_in_the_thread() {
    fn count() -> u32 {
        CALLS.replace(CALLS.get() + 1)
    }
    check(async { count() }, &[], |count| assert_eq!(count, 0));
    assert_eq!(CALLS.get(), 1);
}

fn calls_by_pointer() {
    fn count() {
        polling::trace("called");
    }
    let pointer: fn() = count;
    check(async move { pointer() }, &["called"], drop);
}

fn drops_a_local() {
    check(
        async {
            let _local = Traced("local");
            5
        },
        &["drop local"],
        |output| assert_eq!(output, 5),
    );
}

// To move out of an upvar.

fn moves_a_unique_reference_out() {
    let unique: &'static mut u32 = Box::leak(Box::new(1));
    check(async move { unique }, &[], |unique| *unique += 1);
}

fn moves_a_manually_drop_out() {
    let owned = ManuallyDrop::new(Traced("owned"));
    check(async move { owned }, &["drop owned"], |owned| drop(ManuallyDrop::into_inner(owned)));
}

fn reads_out_of_a_manually_drop() {
    let owned = ManuallyDrop::new(Traced("owned"));
    check(async move { unsafe { ptr::read(&*owned) } }, &["drop owned"], drop);
}

/// It is as plain as can be, but for that it is not `Copy`.
fn moves_a_token_out() {
    struct Token(#[allow(dead_code)] *mut Traced);
    let token = Token(leak(Traced("of token")));
    check(async move { token }, &["drop of token"], |token| free(token.0));
}

// An upvar that needs drop.

fn moves_out_what_needs_drop() {
    let traced = Traced("captured");
    check(async move { traced }, &["drop captured"], drop);
}

fn drops_what_it_captured() {
    let traced = Traced("captured");
    check(
        async move {
            let _local = traced;
        },
        &["drop captured"],
        drop,
    );
}

fn does_not_use_what_needs_drop() {
    async fn body(_: Traced) -> u8 {
        5
    }
    check(body(Traced("argument")), &["drop argument"], |output| assert_eq!(output, 5));
}

// To borrow an upvar, or through one.

fn reborrows_a_unique_reference() {
    let unique: &'static mut u32 = Box::leak(Box::new(1));
    check(async move { &mut *unique }, &[], |unique| *unique += 1);
}

fn reborrows_a_field_by_pointer() {
    let unique: &'static mut (u8, u32) = Box::leak(Box::new((0, 1)));
    check(async move { &raw mut unique.1 }, &[], |pointer| unsafe { *pointer += 1 });
}

fn borrows_an_upvar() {
    let array = [1_u8; 4];
    check(async move { &raw const array }, &[], |pointer| assert!(!pointer.is_null()));
}

// To write to an upvar, or through a pointer.

fn writes_to_an_upvar() {
    let mut bits = 0b01;
    let future = async move {
        bits ^= 0b11;
        bits
    };
    check(future, &[], |bits| assert_eq!(bits, 0b10));
}

fn writes_to_an_element_of_an_upvar() {
    let mut bits = [0b01, 0b00];
    let future = async move {
        bits[0] ^= 0b11;
        bits
    };
    check(future, &[], |bits| assert_eq!(bits, [0b10, 0b00]));
}

fn writes_through_a_unique_reference() {
    let mut bits = 0b01;
    check(async { bits ^= 0b11 }, &[], drop);
    assert_eq!(bits, 0b10);
}

fn writes_through_a_raw_pointer() {
    let pointer = leak(0b01);
    check(async move { unsafe { *pointer = 0b10 } }, &[], |()| unsafe {
        assert_eq!(*pointer, 0b10);
        *pointer = 0b11;
    });
    assert_eq!(unsafe { *pointer }, 0b11);
    free(pointer);
}

fn writes_to_a_static() {
    static mut BITS: u32 = 0b01;
    check(async { unsafe { BITS = 0b10 } }, &[], |()| unsafe { BITS = 0b11 });
    assert_eq!(unsafe { BITS }, 0b11);
}

// To read through a pointer.

fn reads_through_a_raw_pointer() {
    let pointer = leak(1_u32);
    check(async move { unsafe { *pointer } }, &[], |output| {
        assert_eq!(output, 1);
        free(pointer);
    });
}

fn reads_through_a_reference() {
    let pointer = leak(1_u32);
    let reference: &'static u32 = unsafe { &*pointer };
    check(async move { *reference }, &[], |output| {
        assert_eq!(output, 1);
        free(pointer);
    });
}

fn reads_through_a_reference_in_a_pair() {
    let pointer = leak([1_u32, 2]);
    let pair: (u8, &'static [u32; 2]) = (3, unsafe { &*pointer });
    check(async move { (pair.0, pair.1[1]) }, &[], |output| {
        assert_eq!(output, (3, 2));
        free(pointer);
    });
}

fn reads_a_static() {
    static mut BITS: u32 = 0b01;
    check(async { unsafe { BITS } }, &[], |bits| {
        assert_eq!(bits, 0b01);
        unsafe { BITS = 0b10 };
    });
}

// To copy an upvar that holds a reference.

fn copies_a_reference() {
    let pointer = leak(1_u32);
    let reference: &'static u32 = unsafe { &*pointer };
    check(async move { reference }, &[], |output| {
        assert_eq!(*output, 1);
        free(pointer);
    });
}

fn copies_a_reference_and_leaves_it() {
    let pointer = leak(1_u32);
    let pair: (u8, Option<&'static u32>) = (3, unsafe { pointer.as_ref() });
    let future = async move {
        let copy = pair;
        copy.0
    };
    check(future, &[], |output| {
        assert_eq!(output, 3);
        free(pointer);
    });
}

// A field of a union, a transmute into such a type.

fn makes_a_reference_by_union() {
    union Bits {
        address: *mut u32,
        reference: &'static u32,
    }
    let address = leak(1);
    let future = async move {
        let bits = Bits { address };
        unsafe { bits.reference }
    };
    check(future, &[], |reference| {
        assert_eq!(*reference, 1);
        free(address);
    });
}

fn makes_a_reference_by_transmute() {
    let address = leak(1_u32);
    let future = async move { unsafe { transmute::<*mut u32, &'static u32>(address) } };
    check(future, &[], |reference| {
        assert_eq!(*reference, 1);
        free(address);
    });
}

fn calls_what_it_made_by_transmute() {
    fn count() {
        polling::trace("called");
    }
    let address = count as fn() as *const ();
    let future = async move { (unsafe { transmute::<*const (), fn()>(address) })() };
    check(future, &["called"], drop);
}

// A panic that can be caught.

fn overflows() {
    let (max, zero, shift) = (black_box(u8::MAX), black_box(0_i32), black_box(32));
    check_panics(async move { max + 1 }, "attempt to add with overflow");
    check_panics(async move { 1 << shift }, "attempt to shift left with overflow");
    check_panics(async move { -(i32::MIN + zero) }, "attempt to negate with overflow");
}

fn divides() {
    let (zero, minus_one) = (black_box(0), black_box(-1));
    check_panics(async move { 1_u32 / zero }, "attempt to divide by zero");
    check_panics(
        async move { i32::MIN % minus_one },
        "attempt to calculate the remainder with overflow",
    );
}

fn indexes() {
    let (array, index) = (black_box([1, 2, 3]), black_box(3));
    check_panics(
        async move { array[index] },
        "index out of bounds: the len is 3 but the index is 3",
    );
}

// What else is neither arithmetic nor a branch.

/// Another thread would be told another address.
fn refers_to_a_thread_local() {
    #[thread_local]
    static LOCAL: u8 = 0;

    let mut future = Box::pin(async { &raw const LOCAL });
    assert_eq!(complete(future.as_mut(), 0), &raw const LOCAL);
    let check_finished = || check_finished(future, "`async fn` resumed after completion");
    std::thread::scope(|scope| scope.spawn(check_finished).join().unwrap());
}

/// The assembly is no more than a write, but that cannot be seen.
#[cfg(target_arch = "x86_64")]
fn is_assembly() {
    let pointer = leak(1_u32);
    let future = async move { unsafe { std::arch::asm!("inc dword ptr [{}]", in(reg) pointer) } };
    check(future, &[], drop);
    assert_eq!(unsafe { *pointer }, 2);
    free(pointer);
}

#[cfg(not(target_arch = "x86_64"))]
fn is_assembly() {}

fn main() {
    calls_what_frees();
    calls_what_counts();
    calls_what_counts_in_the_thread();
    calls_by_pointer();
    drops_a_local();

    moves_a_unique_reference_out();
    moves_a_manually_drop_out();
    reads_out_of_a_manually_drop();
    moves_a_token_out();

    moves_out_what_needs_drop();
    drops_what_it_captured();
    does_not_use_what_needs_drop();

    reborrows_a_unique_reference();
    reborrows_a_field_by_pointer();
    borrows_an_upvar();

    writes_to_an_upvar();
    writes_to_an_element_of_an_upvar();
    writes_through_a_unique_reference();
    writes_through_a_raw_pointer();
    writes_to_a_static();

    reads_through_a_raw_pointer();
    reads_through_a_reference();
    reads_through_a_reference_in_a_pair();
    reads_a_static();

    copies_a_reference();
    copies_a_reference_and_leaves_it();

    makes_a_reference_by_union();
    makes_a_reference_by_transmute();
    calls_what_it_made_by_transmute();

    overflows();
    divides();
    indexes();

    refers_to_a_thread_local();
    is_assembly();
}
