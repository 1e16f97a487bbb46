// What happens to a future that is dropped after each number of polls.

//@ edition: 2024
//@ no-prefer-dynamic

#![crate_type = "lib"]

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static EVENTS: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Writes down that `number` happened, such as the drop of a value.
pub fn event(number: u32) {
    EVENTS.with_borrow_mut(|events| events.push(number));
}

/// How much has happened since the last [`take_events`].
pub fn count_events() -> usize {
    EVENTS.with_borrow(Vec::len)
}

pub fn take_events() -> Vec<u32> {
    EVENTS.take()
}

/// Polls a new future as often as possible for each suspension point, drops it, and gives what it
/// answered and what happened each time.
pub fn run<F: Future<Output = u32>>(make: impl Fn() -> F) -> Vec<(Option<u32>, Vec<u32>)> {
    let mut results = vec![];
    for polls in 0.. {
        take_events();
        let mut answer = None;
        {
            let mut future = pin!(make());
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                    answer = Some(value);
                }
            }
        }
        results.push((answer, take_events()));
        if answer.is_some() {
            return results;
        }
    }
    unreachable!()
}
