// What has been taken in is still named where it runs: in a backtrace, and by a panic's location.

//@ run-pass
//@ edition: 2024
//@ needs-unwind
//@ ignore-backends: gcc
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=2 -Cdebuginfo=2 -Cstrip=none
//@ compile-flags: -Zvalidate-mir -Zlint-mir

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::panic::{Location, catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static LINE: Cell<u32> = const { Cell::new(0) };
    static EXPECTED: Cell<u32> = const { Cell::new(0) };
}

#[track_caller]
fn line() -> u32 {
    Location::caller().line()
}

async fn innermost() -> String {
    std::future::ready(()).await;
    Backtrace::force_capture().to_string()
}

async fn between() -> String {
    innermost().await
}

async fn locates() -> u32 {
    line() - line!()
}

async fn panics() {
    EXPECTED.set(line!() + 1);
    panic!("on purpose");
}

async fn outermost() -> String {
    assert_eq!(locates().await, 0);
    between().await
}

async fn outermost_panics() {
    panics().await
}

fn main() {
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(trace) = pin!(outermost()).poll(&mut context) else { panic!() };
    let names = ["innermost", "between", "outermost"].map(|name| {
        trace.find(&format!("::{name}::")).unwrap_or_else(|| panic!("no {name} in\n{trace}"))
    });
    assert!(names.is_sorted(), "{trace}");

    // Where `panics` has it, not where it is awaited.
    set_hook(Box::new(|panic| LINE.set(panic.location().unwrap().line())));
    let panicked = catch_unwind(|| {
        let _ = pin!(outermost_panics()).poll(&mut Context::from_waker(Waker::noop()));
    });
    assert!(panicked.is_err());
    let _ = take_hook();
    assert_eq!(LINE.get(), EXPECTED.get());
}
