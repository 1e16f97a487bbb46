// What the other kinds of coroutines yield in several places comes in the same order, with the same
// arguments, and is followed by the same drops.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level2 level3 levelz abort
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=0
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=z -Cpanic=abort

#![feature(async_iterator, coroutine_trait, coroutines, gen_blocks)]

use std::async_iter::AsyncIterator;
use std::cell::RefCell;
use std::future::Future;
use std::ops::{Coroutine, CoroutineState};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static DROPPED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

struct Droppy(u32);

impl Drop for Droppy {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

/// Pending once.
struct Once(u32, bool);

impl Future for Once {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        if std::mem::replace(&mut self.1, true) { Poll::Ready(self.0) } else { Poll::Pending }
    }
}

fn once(number: u32) -> Once {
    Once(number, false)
}

gen fn numbers(choice: u32) -> u32 {
    let _held = Droppy(1);
    match choice {
        0 => yield 10,
        1 => yield 10,
        2 => yield choice,
        _ => {
            let _other = Droppy(2);
            yield 10
        }
    }
    for number in 0..3 {
        let _each = Droppy(number + 10);
        if number == choice {
            yield number;
        } else {
            yield number + 100;
        }
    }
}

async gen fn numbers_slowly(choice: u32) -> u32 {
    let held = Droppy(1);
    match choice {
        0 => yield once(10).await,
        1 => yield once(20).await,
        _ => {
            let other = Droppy(2);
            let number = once(30).await;
            yield number + other.0;
        }
    }
    if choice == 2 {
        yield 40;
        once(1).await;
    } else {
        once(1).await;
        yield 40;
    }
    yield once(held.0).await;
}

fn coroutine(choice: u32) -> impl Coroutine<u32, Yield = u32, Return = u32> + Unpin {
    #[coroutine]
    move |first: u32| {
        let held = Droppy(first);
        let second = match choice {
            0 => yield first,
            1 => yield first,
            2 => (yield first) * 10,
            _ => {
                let other = Droppy(first + 1);
                let second = yield first;
                second + other.0
            }
        };
        let third = if second < 10 { yield second } else { yield second };
        third + held.0
    }
}

fn static_coroutine(choice: u32) -> impl Coroutine<(), Yield = u32, Return = u32> {
    #[coroutine]
    static move || {
        let mut numbers = [1, 2, 3];
        if choice == 0 {
            let lent = &mut numbers[0];
            yield *lent;
            *lent += 10;
        } else {
            let lent = &mut numbers[1];
            yield *lent;
            *lent += 20;
        }
        yield numbers[0];
        yield numbers[1];
        numbers.iter().sum()
    }
}

/// The first items, and what was dropped, with 1000 for each item.
fn items(choice: u32, count: usize) -> (Vec<u32>, Vec<u32>) {
    DROPPED.take();
    let mut iterator = numbers(choice);
    let mut items = vec![];
    for item in iterator.by_ref().take(count) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(1000));
        items.push(item);
    }
    drop(iterator);
    (items, DROPPED.take())
}

fn items_slowly(choice: u32, polls: usize) -> (Vec<Option<u32>>, Vec<u32>) {
    DROPPED.take();
    let mut iterator = Box::pin(numbers_slowly(choice));
    let mut items = vec![];
    for _ in 0..polls {
        match iterator.as_mut().poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => items.push(None),
            Poll::Ready(Some(item)) => items.push(Some(item)),
            Poll::Ready(None) => {
                items.push(Some(u32::MAX));
                break;
            }
        }
        DROPPED.with_borrow_mut(|dropped| dropped.push(1000));
    }
    drop(iterator);
    (items, DROPPED.take())
}

fn states(choice: u32, arguments: &[u32]) -> (Vec<CoroutineState<u32, u32>>, Vec<u32>) {
    DROPPED.take();
    let mut coroutine = coroutine(choice);
    let mut states = vec![];
    for &argument in arguments {
        states.push(Pin::new(&mut coroutine).resume(argument));
        DROPPED.with_borrow_mut(|dropped| dropped.push(1000));
    }
    drop(coroutine);
    (states, DROPPED.take())
}

fn check_gen() {
    assert_eq!(items(0, 9).0, [10, 0, 101, 102]);
    assert_eq!(items(1, 9).0, [10, 100, 1, 102]);
    assert_eq!(items(2, 9).0, [2, 100, 101, 2]);
    assert_eq!(items(3, 9).0, [10, 100, 101, 102]);
    for choice in 0..3 {
        assert_eq!(items(choice, 0).1, []);
        assert_eq!(items(choice, 1).1, [1000, 1]);
        assert_eq!(items(choice, 2).1, [1000, 1000, 10, 1]);
        assert_eq!(items(choice, 3).1, [1000, 1000, 10, 1000, 11, 1]);
        assert_eq!(items(choice, 4).1, [1000, 1000, 10, 1000, 11, 1000, 12, 1]);
        assert_eq!(items(choice, 5).1, [1000, 1000, 10, 1000, 11, 1000, 12, 1]);
    }
    assert_eq!(items(3, 1).1, [1000, 2, 1]);
    assert_eq!(items(3, 2).1, [1000, 2, 1000, 10, 1]);
}

fn check_async_gen() {
    let end = Some(u32::MAX);
    for (choice, first) in [(0, 10), (1, 20), (3, 32)] {
        let (items, dropped) = items_slowly(choice, 9);
        assert_eq!(items, [None, Some(first), None, Some(40), None, Some(1), end]);
        let other = if choice == 3 { &[2][..] } else { &[] };
        let expected = [&[1000, 1000], other, &[1000, 1000, 1000, 1000, 1]].concat();
        assert_eq!(dropped, expected);
        assert_eq!(items_slowly(choice, 1).1, [&[1000], other, &[1]].concat());
        assert_eq!(items_slowly(choice, 2).1, [&[1000, 1000], other, &[1]].concat());
    }
    let (items, dropped) = items_slowly(2, 9);
    assert_eq!(items, [None, Some(32), Some(40), None, None, Some(1), end]);
    assert_eq!(dropped, [1000, 1000, 2, 1000, 1000, 1000, 1000, 1]);
    assert_eq!(items_slowly(2, 1).1, [1000, 2, 1]);
    assert_eq!(items_slowly(2, 3).1, [1000, 1000, 2, 1000, 1]);
}

fn check_coroutines() {
    use CoroutineState::{Complete, Yielded};
    for (choice, second) in [(0, 5), (1, 5), (2, 50), (3, 9)] {
        let (found, dropped) = states(choice, &[3, 5, 7]);
        assert_eq!(found, [Yielded(3), Yielded(second), Complete(10)]);
        let other = if choice == 3 { &[4][..] } else { &[] };
        assert_eq!(dropped, [&[1000], other, &[1000, 3, 1000]].concat());
        assert_eq!(states(choice, &[3]).1, [&[1000], other, &[3]].concat());
        assert_eq!(states(choice, &[3, 5]).1, [&[1000], other, &[1000, 3]].concat());
        assert_eq!(states(choice, &[]).1, []);
    }
    for (choice, expected) in [
        (0, [Yielded(1), Yielded(11), Yielded(2), Complete(16)]),
        (1, [Yielded(2), Yielded(1), Yielded(22), Complete(26)]),
    ] {
        let mut coroutine = Box::pin(static_coroutine(choice));
        assert!(expected.iter().all(|state| coroutine.as_mut().resume(()) == *state));
    }
}

fn main() {
    check_gen();
    check_async_gen();
    check_coroutines();
}
