// What tests of behaviour share: events that are noted, any of which may panic.

//@ edition: 2024
//@ no-prefer-dynamic

#![crate_type = "lib"]

use std::cell::{Cell, RefCell};
use std::panic::resume_unwind;
use std::task::{RawWaker, RawWakerVTable, Waker};

thread_local! {
    /// What happened, in its order.
    pub static EVENTS: RefCell<Vec<(&'static str, usize)>> = const { RefCell::new(Vec::new()) };
    /// After how many events there is a panic.
    pub static PANIC_AT: Cell<usize> = const { Cell::new(usize::MAX) };
}

pub fn note(what: &'static str, number: usize) {
    EVENTS.with_borrow_mut(|events| events.push((what, number)));
}

/// Notes what happens, and panics if it is the time to.
pub fn event(what: &'static str, number: usize) {
    note(what, number);
    if EVENTS.with_borrow(Vec::len) > PANIC_AT.get() && !std::thread::panicking() {
        PANIC_AT.set(usize::MAX);
        note("panics", 0);
        resume_unwind(Box::new(()));
    }
}

/// A value that notes when it is looked at and dropped.
pub struct Noisy(pub usize);

impl Noisy {
    pub fn look(&self) -> usize {
        event("look", self.0);
        self.0
    }
}

impl Drop for Noisy {
    fn drop(&mut self) {
        event("drop", self.0);
    }
}

pub fn noisy(number: usize) -> Noisy {
    event("make", number);
    Noisy(number)
}

/// A waker that can be told from those with other numbers.
pub fn waker(number: usize) -> Waker {
    const TABLE: RawWakerVTable =
        RawWakerVTable::new(|data| RawWaker::new(data, &TABLE), |_| {}, |_| {}, |_| {});
    unsafe { Waker::new(std::ptr::without_provenance(number), &TABLE) }
}
