// Awaits that look the same, but after which, or around which, something else is done, keep doing
// that: another field, constant or scope, another order of drops, another line in a message.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level2 level3 levelz debuginfo abort
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=0
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[debuginfo] compile-flags: -Zasync-returned-panic=no -Copt-level=s -g
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=z -Cpanic=abort

#![feature(async_fn_track_caller)]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static DROPPED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    static PANIC_LINE: Cell<u32> = const { Cell::new(0) };
    static BREAKS: Cell<bool> = const { Cell::new(false) };
    static LOCKED: Cell<bool> = const { Cell::new(false) };
}

struct Droppy(u32);

impl Drop for Droppy {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

/// Pending once; notes whether it was locked at each poll, and may panic instead of an answer.
struct Wait<T> {
    value: Option<T>,
    was_pending: bool,
}

fn wait<T>(value: T) -> Wait<T> {
    Wait { value: Some(value), was_pending: false }
}

impl<T: Unpin> Future for Wait<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        if LOCKED.get() {
            DROPPED.with_borrow_mut(|dropped| dropped.push(1000));
        }
        if !std::mem::replace(&mut self.was_pending, true) {
            return Poll::Pending;
        }
        assert!(!BREAKS.get(), "breaks");
        Poll::Ready(self.value.take().unwrap())
    }
}

/// Polls until there is an answer or a panic; gives it with what was dropped.
fn run<T>(future: impl Future<Output = T>) -> (Option<T>, Vec<u32>) {
    DROPPED.take();
    let mut future = Box::pin(future);
    for _ in 0..100 {
        let poll = || future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let answer = match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => continue,
            Ok(Poll::Ready(answer)) => Some(answer),
            Err(_) => None,
        };
        if !cfg!(off) {
            let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(poll.is_pending());
        }
        let dropped = DROPPED.take();
        drop(future);
        assert_eq!(DROPPED.take(), []);
        return (answer, dropped);
    }
    panic!("never ready")
}

/// Polls so often, without an answer, and gives what was dropped, then and by dropping the future.
fn cancel<T>(future: impl Future<Output = T>, polls: usize) -> Vec<u32> {
    DROPPED.take();
    let mut future = Box::pin(future);
    for _ in 0..polls {
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    drop(future);
    DROPPED.take()
}

async fn fields(choice: u32) -> u32 {
    match choice {
        0 => wait((1, 2, 3)).await.0,
        1 => wait((1, 2, 3)).await.1,
        2 => {
            let (first, _, third) = wait((1, 2, 3)).await;
            first * 10 + third
        }
        3 => {
            let (_, second, third) = wait((1, 2, 3)).await;
            second * 10 + third
        }
        _ => {
            let (first, second, _) = wait((1, 2, 3)).await;
            second * 10 + first
        }
    }
}

async fn constants(choice: u32) -> u32 {
    if choice == 0 {
        wait(1).await + 10
    } else if choice == 1 {
        wait(1).await + 11
    } else {
        wait(1).await - 1
    }
}

async fn variants(choice: u32) -> Result<u32, u32> {
    match choice {
        0 => Ok(wait(1).await),
        1 => Err(wait(1).await),
        2 => Ok(wait(1_u8).await.into()),
        _ => Err(wait(1_u8).await.into()),
    }
}

async fn types(choice: u32) -> i64 {
    match choice {
        0 => i64::from(wait(-1_i32).await),
        1 => i64::from(wait(-1_i32).await as u32),
        2 => i64::from(wait(-1_i32).await as u8),
        _ => i64::from(wait(-1_i32).await as i8),
    }
}

async fn sources(choice: u32) -> u32 {
    let (a, b) = (choice + 1, choice + 2);
    if choice % 2 == 0 {
        wait(0).await;
        a
    } else {
        wait(0).await;
        b
    }
}

async fn targets(choice: u32) -> (u32, u32) {
    let (mut a, mut b) = (1, 2);
    match choice {
        0 => a = wait(5).await,
        1 => b = wait(5).await,
        _ => {
            a = wait(6).await;
            b += wait(7).await;
        }
    }
    (a, b)
}

async fn borrowed(choice: u32) -> u32 {
    let mut number = choice;
    let mut other = 40;
    if choice == 0 {
        let lent = &mut number;
        wait(0).await;
        *lent += 1;
    } else {
        wait(0).await;
        number += 2;
        other += number;
    }
    let lent = if choice < 2 { &number } else { &other };
    wait(0).await;
    *lent
}

async fn order(choice: u32) {
    let a = Droppy(1);
    let b = Droppy(2);
    if choice == 0 {
        wait(0).await;
        drop(a);
        drop(b);
    } else if choice == 1 {
        wait(0).await;
        drop(b);
        drop(a);
    } else {
        drop(a);
        wait(0).await;
    }
    drop(Droppy(3));
}

async fn order_of_locals(choice: u32) {
    match choice {
        0 => {
            let _first = Droppy(1);
            let _second = Droppy(2);
            wait(0).await;
        }
        1 => {
            let _second = Droppy(2);
            let _first = Droppy(1);
            wait(0).await;
        }
        _ => {
            let _ = Droppy(2);
            let _first = Droppy(1);
            wait(0).await;
        }
    }
}

async fn guarded(choice: u32) -> u32 {
    if choice == 0 {
        let _guard = Droppy(1);
        wait(10).await
    } else if choice == 1 {
        let _guard = Droppy(2);
        let _other = Droppy(3);
        wait(10).await
    } else {
        wait(10).await
    }
}

/// What has storage at one of the awaits has none at the other, but nothing is in it any more.
async fn moved_out(choice: u32) -> u32 {
    let mut sum = 0;
    for round in 0..3 {
        if (choice + round) % 2 == 0 {
            let one = Droppy(round);
            drop(one);
            sum += wait(round).await;
        } else {
            let two = (Droppy(10 + round), Droppy(20 + round));
            drop(two);
            sum += wait(round).await * 100;
        }
    }
    sum
}

struct Guard;

impl Guard {
    fn lock() -> Guard {
        assert!(!LOCKED.replace(true));
        Guard
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        LOCKED.set(false);
    }
}

async fn locked(choice: u32) -> u32 {
    if choice == 0 {
        let guard = Guard::lock();
        drop(guard);
        wait(1).await
    } else if choice == 1 {
        let _guard = Guard::lock();
        wait(1).await
    } else {
        {
            let _guard = Guard::lock();
        }
        let number = wait(1).await;
        let _guard = Guard::lock();
        number
    }
}

#[track_caller]
fn line() -> u32 {
    Location::caller().line()
}

#[track_caller]
fn line_of<T>(_: T) -> u32 {
    Location::caller().line()
}

/// The line that each of these answers, and the one it should.
async fn lines(choice: u32) -> (u32, u32) {
    match choice {
        0 => {
            wait(0).await;
            (line(), line!())
        }
        1 => {
            wait(0).await;
            (line(), line!())
        }
        2 => (line_of(wait(0).await), line!()),
        3 => (line_of(wait(0).await), line!()),
        4 => {
            wait(0).await;
            (Location::caller().line(), line!())
        }
        _ => {
            wait(0).await;
            (Location::caller().line(), line!())
        }
    }
}

/// Is ready, when it was pending once, with the line that it is polled in.
struct Polled(bool);

impl Future for Polled {
    type Output = u32;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        let line = Location::caller().line();
        if std::mem::replace(&mut self.0, true) { Poll::Ready(line) } else { Poll::Pending }
    }
}

/// The line that each of these is polled in, and the one it should.
async fn polls(choice: u32) -> (u32, u32) {
    match choice {
        0 => (Polled(false).await, line!()),
        1 => (Polled(false).await, line!()),
        _ => (Polled(false).await, line!()),
    }
}

#[track_caller]
async fn told() -> u32 {
    wait(0).await;
    Location::caller().line()
}

/// The same, where what is polled is a coroutine.
async fn polls_coroutine(choice: u32) -> (u32, u32) {
    match choice {
        0 => (told().await, line!()),
        1 => (told().await, line!()),
        _ => (told().await, line!()),
    }
}

/// The same, where it is not known what is polled.
async fn polls_generic<F: Future<Output = u32>>(make: fn() -> F, choice: u32) -> (u32, u32) {
    match choice {
        0 => (make().await, line!()),
        1 => (make().await, line!()),
        _ => (make().await, line!()),
    }
}

/// Panics after the await; says in which line before.
async fn panics(choice: u32, expected: &Cell<u32>) -> u32 {
    let array = [1, 2, 3];
    match choice {
        0 => {
            expected.set(line!() + 1);
            wait(None::<u32>).await.unwrap()
        }
        1 => {
            expected.set(line!() + 1);
            wait(None::<u32>).await.unwrap()
        }
        2 => {
            expected.set(line!() + 1);
            array[wait(3_usize).await]
        }
        3 => {
            expected.set(line!() + 1);
            array[wait(3_usize).await]
        }
        4 => {
            expected.set(line!() + 1);
            1 / wait(0_u32).await
        }
        5 => {
            expected.set(line!() + 1);
            1 / wait(0_u32).await
        }
        6 => {
            let number = wait(0_u32).await;
            expected.set(line!() + 1);
            assert!(number == 1);
            number
        }
        _ => {
            let number = wait(0_u32).await;
            expected.set(line!() + 1);
            assert!(number == 1);
            number
        }
    }
}

fn main() {
    let all = |choices| (0..choices).map(|choice| run(fields(choice)).0.unwrap());
    assert!(all(5).eq([1, 2, 13, 23, 21]));
    let all = |choices| (0..choices).map(|choice| run(constants(choice)).0.unwrap());
    assert!(all(3).eq([11, 12, 0]));
    let all = |choices| (0..choices).map(|choice| run(variants(choice)).0.unwrap());
    assert!(all(4).eq([Ok(1), Err(1), Ok(1), Err(1)]));
    let all = |choices| (0..choices).map(|choice| run(types(choice)).0.unwrap());
    assert!(all(4).eq([-1, u32::MAX.into(), 255, -1]));
    let all = |choices| (0..choices).map(|choice| run(sources(choice)).0.unwrap());
    assert!(all(4).eq([1, 3, 3, 5]));
    let all = |choices| (0..choices).map(|choice| run(targets(choice)).0.unwrap());
    assert!(all(3).eq([(5, 2), (1, 5), (6, 9)]));
    let all = |choices| (0..choices).map(|choice| run(borrowed(choice)).0.unwrap());
    assert!(all(3).eq([1, 3, 44]));

    for (choice, whole, cancelled) in
        [(0, [1, 2, 3], [2, 1]), (1, [2, 1, 3], [2, 1]), (2, [1, 3, 2], [1, 2])]
    {
        assert_eq!(run(order(choice)), (Some(()), whole.to_vec()));
        assert_eq!(cancel(order(choice), 0), []);
        assert_eq!(cancel(order(choice), 1), cancelled);
    }
    for (choice, expected) in [(0, [2, 1]), (1, [1, 2]), (2, [2, 1])] {
        assert_eq!(run(order_of_locals(choice)), (Some(()), expected.to_vec()));
        assert_eq!(cancel(order_of_locals(choice), 1), expected);
    }
    for (choice, expected) in [(0, vec![1]), (1, vec![3, 2]), (2, vec![])] {
        assert_eq!(run(guarded(choice)), (Some(10), expected.clone()));
        assert_eq!(cancel(guarded(choice), 1), expected);
    }
    assert_eq!(run(moved_out(0)), (Some(102), vec![0, 11, 21, 2]));
    assert_eq!(run(moved_out(1)), (Some(201), vec![10, 20, 1, 12, 22]));
    assert_eq!(cancel(moved_out(0), 2), [0, 11, 21]);
    for (choice, expected) in [(0, vec![]), (1, vec![1000, 1000]), (2, vec![])] {
        assert_eq!(run(locked(choice)), (Some(1), expected.clone()));
        assert!(!LOCKED.get());
        assert_eq!(cancel(locked(choice), 1), expected[..expected.len() / 2]);
        assert!(!LOCKED.get());
    }
    for choice in 0..6 {
        let (found, expected) = run(lines(choice)).0.unwrap();
        assert_eq!(found, expected);
        let (found, expected) = run(polls_coroutine(choice)).0.unwrap();
        assert_eq!(found, expected, "{choice}");
        let (found, expected) = run(polls_generic(|| Polled(false), choice)).0.unwrap();
        assert_eq!(found, expected, "{choice}");
        let (found, expected) = run(polls(choice)).0.unwrap();
        assert_eq!(found, expected);
    }

    if cfg!(panic = "unwind") {
        std::panic::set_hook(Box::new(|info| PANIC_LINE.set(info.location().unwrap().line())));
        let mut wrong = vec![];
        for choice in 0..8 {
            let expected = Cell::new(0);
            if run(panics(choice, &expected)).0.is_some() || PANIC_LINE.get() != expected.get() {
                wrong.push((choice, PANIC_LINE.get(), expected.get()));
            }
        }
        // Each await panics, and what is held is dropped while it unwinds.
        BREAKS.set(true);
        for (choice, expected) in [(0, vec![2, 1]), (1, vec![2, 1]), (2, vec![1, 2])] {
            let found = run(order(choice));
            if found != (None, expected) {
                wrong.push((100 + choice, found.1.len() as u32, 0));
            }
        }
        for (choice, expected) in [(0, vec![1]), (1, vec![3, 2]), (2, vec![])] {
            let found = run(guarded(choice));
            if found != (None, expected) {
                wrong.push((200 + choice, found.1.len() as u32, 0));
            }
        }
        for choice in 0..3 {
            let found = run(locked(choice)).0;
            if found.is_some() || LOCKED.get() {
                wrong.push((300 + choice, 0, 0));
            }
        }
        drop(std::panic::take_hook());
        assert_eq!(wrong, []);
    }
}
