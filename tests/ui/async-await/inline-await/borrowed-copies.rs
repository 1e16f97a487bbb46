// A number that is borrowed, and then passed to an async fn by value, is not saved any longer than
// without inlining. Borrows usually come from logging.

//@ run-pass
//@ only-64bit
//@ edition: 2024
//@ aux-build: ../../returned-panic/auxiliary/polling.rs
//@ no-prefer-dynamic
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level1 levels levelz level3 abort sabort all
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=s
//@[level1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[levels] compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=3 -Cpanic=abort
//@[sabort] compile-flags: -Zasync-returned-panic=no -Copt-level=s -Cpanic=abort
//@[all] compile-flags: -Zasync-returned-panic=no-at-all-levels

extern crate polling;

use std::cell::Cell;
use std::fmt::Write;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};

use polling::finish;

thread_local! {
    static POLLS: Cell<usize> = const { Cell::new(0) };
}

/// Pending every other time, without a state of its own.
struct Wait;

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        POLLS.set(POLLS.get() + 1);
        if POLLS.get() % 2 == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[inline(never)]
fn log(id: &[u32; 4]) {
    black_box(id);
}

#[inline(never)]
fn start(id: [u32; 4]) -> u32 {
    id.iter().sum()
}

/// They do the same, but for what they give, so that each has suspension points of its own.
macro_rules! steps {
    ($($name:ident $number:literal)*) => {
        $(async fn $name(id: [u32; 4]) -> u32 {
            log(&id);
            let sum = start(id);
            Wait.await;
            sum * $number
        })*

        async fn in_sequence(id: u32) -> u32 {
            let mut sum = 0;
            $(sum += $name([id + $number; 4]).await;)*
            sum
        }
    };
}

steps! { one 1 two 2 three 3 four 4 five 5 six 6 }

async fn send(id: u64) -> u64 {
    Wait.await;
    id + 1
}

async fn receive(id: u64) -> u64 {
    Wait.await;
    id * 2
}

async fn in_scopes() -> (u64, String) {
    let (mut log, mut sum) = (String::new(), 0);
    {
        let id = black_box(1);
        let _ = write!(log, "{id}");
        sum += send(id).await;
    }
    {
        let id = black_box(2);
        let _ = write!(log, "{id}");
        sum += receive(id).await;
    }
    {
        let id = black_box(3);
        let _ = write!(log, "{id}");
        sum += send(id).await;
    }
    {
        let id = black_box(4);
        let _ = write!(log, "{id}");
        sum += receive(id).await;
    }
    (sum, log)
}

/// The copy outlives what it is a copy of, which is renewed in each iteration.
async fn in_a_loop() -> (u64, String) {
    let mut log = String::new();
    let mut sum = 0;
    for number in 1..=3 {
        let copy = {
            let id = black_box(number);
            let _ = write!(log, "{id}");
            Wait.await;
            id
        };
        sum += send(copy).await;
        sum += receive(copy).await;
    }
    (sum, log)
}

/// A pointer is read as long as its scope lasts.
async fn pointed_at() -> u64 {
    let id = black_box(7);
    let pointer = black_box(&raw const id);
    let sent = send(id).await;
    let received = receive(sent).await;
    received + unsafe { *pointer }
}

/// What is returned is not kept apart from what came before.
async fn returns_what_it_logs(id: u32) -> [u32; 4] {
    {
        let first = black_box([id; 4]);
        log(&first);
        send(1).await;
        log(&first);
    }
    let second = black_box([id + 1; 4]);
    log(&second);
    receive(1).await;
    second
}

async fn returns_in_two_places(id: u32) -> [u32; 4] {
    if id == 1 {
        let first = black_box([id; 4]);
        send(1).await;
        return first;
    }
    let second = black_box([id + 1; 4]);
    log(&second);
    receive(1).await;
    second
}

/// A copy outlives what it is a copy of, but nothing reads it when the future waits.
macro_rules! not_kept {
    ($($name:ident $($number:literal)*;)*) => {
        $(async fn $name() -> u32 {
            let mut sum = 0;
            $(
                let copy = {
                    let id = black_box([$number; 4]);
                    log(&id);
                    id
                };
                sum += start(copy);
                send(1).await;
                Wait.await;
            )*
            sum
        })*
    };
}

not_kept! {
    one_not_kept 1;
    two_not_kept 1 2;
    three_not_kept 1 2 3;
}

/// The two awaits are merged, and the branch behind them may seem to lead from the second to what
/// comes behind the first.
async fn sends_twice(id: u32) -> u64 {
    let copy = {
        let id = black_box([id; 4]);
        log(&id);
        send_all(id).await;
        id
    };
    send_all(copy).await
}

async fn send_all(ids: [u32; 4]) -> u64 {
    Wait.await;
    ids.into_iter().map(u64::from).sum()
}

async fn logs_what_it_receives(id: u32) -> [u32; 4] {
    send(1).await;
    let received = black_box([id; 4]);
    log(&received);
    received
}

/// What an awaitee returns is not kept when it has been read.
async fn receives_twice() -> u32 {
    let first = start(logs_what_it_receives(1).await);
    Wait.await;
    let second = start(logs_what_it_receives(2).await);
    Wait.await;
    first + second
}

async fn receives_in_a_loop() -> u32 {
    let mut sum = 0;
    for id in 1..=3 {
        sum += start(logs_what_it_receives(id).await);
        Wait.await;
    }
    sum
}

fn main() {
    let sizes = [
        (size_of_val(&in_sequence(1)), 56),
        (size_of_val(&in_scopes()), 72),
        (size_of_val(&in_a_loop()), 96),
        (size_of_val(&pointed_at()), 48),
        (size_of_val(&returns_what_it_logs(1)), 56),
        (size_of_val(&returns_in_two_places(1)), 48),
        (size_of_val(&one_not_kept()), 32),
        (size_of_val(&two_not_kept()), 32),
        (size_of_val(&three_not_kept()), 32),
        (size_of_val(&sends_twice(1)), 60),
        (size_of_val(&receives_twice()), 48),
        (size_of_val(&receives_in_a_loop()), 64),
    ];
    for (index, (size, before)) in sizes.into_iter().enumerate() {
        assert!(size <= before, "future {index} is {size}, and not {before}");
        assert!(!cfg!(off) || size == before, "future {index} is {size} with the flag off");
    }

    assert_eq!(finish(in_sequence(1)), 4 * (2 + 3 * 2 + 4 * 3 + 5 * 4 + 6 * 5 + 7 * 6));
    assert_eq!(finish(in_scopes()), (2 + 4 + 4 + 8, "1234".to_owned()));
    assert_eq!(finish(in_a_loop()), (2 + 2 + 3 + 4 + 4 + 6, "123".to_owned()));
    assert_eq!(finish(pointed_at()), 16 + 7);
    assert_eq!(finish(returns_what_it_logs(1)), [2; 4]);
    assert_eq!(finish(returns_in_two_places(1)), [1; 4]);
    assert_eq!(finish(returns_in_two_places(2)), [3; 4]);
    assert_eq!(finish(one_not_kept()), 4);
    assert_eq!(finish(two_not_kept()), 12);
    assert_eq!(finish(three_not_kept()), 24);
    assert_eq!(finish(sends_twice(2)), 8);
    assert_eq!(finish(receives_twice()), 12);
    assert_eq!(finish(receives_in_a_loop()), 24);
}
