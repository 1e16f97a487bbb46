// Awaits of one type that share a suspension point do what they did: the same, in the same order,
// whether a body comes to its end, is dropped where it is suspended, or panics at any point, in a
// poll or in a drop. Each program is compiled twice, once with its suspension points left alone.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ aux-build: events.rs
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level2 level3 levels levelz debuginfo abort alone
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=0
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[level3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[levels] compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[debuginfo] compile-flags: -Zasync-returned-panic=no -Copt-level=s -g
//@[abort] compile-flags: -Zasync-returned-panic=no -Copt-level=z -Cpanic=abort
//@[alone] compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@[alone] compile-flags: -Zmir-enable-passes=-ElideNoAwait,-InlineAwait

#![feature(optimize_attribute)]

extern crate events;

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use events::{EVENTS, Noisy, PANIC_AT, event, noisy, note, waker};

thread_local! {
    static PENDING: Cell<usize> = const { Cell::new(0) };
}

/// A future written by hand.
struct Leaf {
    number: usize,
    pending: usize,
}

/// The next future, pending as often as `PENDING` says.
fn leaf(number: usize) -> Leaf {
    event("make leaf", number);
    let pending = PENDING.get();
    PENDING.set(pending.rotate_right(2));
    Leaf { number, pending: pending % 4 }
}

/// A future that is pending once.
fn leaf_once(number: usize) -> Leaf {
    event("make leaf", number);
    Leaf { number, pending: 1 }
}

impl Future for Leaf {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        event("poll", self.number);
        note("by", context.waker().data().addr());
        if self.pending == 0 {
            return Poll::Ready(self.number);
        }
        self.pending -= 1;
        Poll::Pending
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        event("drop leaf", self.number);
    }
}

type Program = fn(usize) -> Pin<Box<dyn Future<Output = usize>>>;

macro_rules! programs {
    ($name:ident $(, #[$attribute:meta])?) => {
        mod $name {
            use super::*;

            $(#[$attribute])?
            async fn send(number: usize) -> usize {
                leaf(number).await
            }

            $(#[$attribute])?
            async fn send_noisy(value: Noisy, number: usize) -> usize {
                let other = noisy(number);
                leaf(number).await + value.look() + other.0
            }

            $(#[$attribute])?
            async fn answer(value: Noisy) -> Result<usize, Noisy> {
                let number = leaf(value.0).await;
                if number % 4 == 3 { Err(value) } else { Ok(number) }
            }

            $(#[$attribute])?
            async fn command(choice: usize) -> usize {
                let held = noisy(1);
                match noisy(choice).look() {
                    0 => send(123).await,
                    1 => send(456).await,
                    _ => send(789).await,
                };
                held.look()
            }

            $(#[$attribute])?
            async fn unit_command(choice: usize) -> usize {
                async fn unit(response: usize) {
                    leaf(response).await;
                }
                match choice {
                    0 => unit(123).await,
                    1 => unit(456).await,
                    _ => {}
                }
                noisy(choice).look()
            }

            $(#[$attribute])?
            async fn branches(choice: usize) -> usize {
                let held = noisy(10);
                let sum = if choice % 2 == 0 {
                    let value = noisy(20);
                    leaf(value.look()).await
                } else {
                    let value = noisy(30);
                    leaf(value.look()).await
                };
                sum + held.look()
            }

            $(#[$attribute])?
            async fn work_before(choice: usize) -> usize {
                let list = vec![choice, 2, 3];
                match choice {
                    0 => {
                        let first = noisy(list.len());
                        send_noisy(noisy(1), first.look()).await
                    }
                    1 => {
                        let sum = list.iter().sum::<usize>();
                        send_noisy(noisy(sum), list[2]).await + 1
                    }
                    2 => send_noisy(noisy(choice), 8).await,
                    _ => {
                        let text = String::from("ab");
                        let answer = send_noisy(noisy(text.len()), choice).await;
                        answer + text.len() * 100
                    }
                }
            }

            $(#[$attribute])?
            async fn question(choice: usize) -> usize {
                $(#[$attribute])?
                async fn inner(choice: usize) -> Result<usize, Noisy> {
                    let held = noisy(50);
                    answer(noisy(choice)).await?;
                    answer(noisy(choice + 1)).await?;
                    let third = answer(noisy(choice + 4)).await?;
                    Ok(third + held.look())
                }
                match inner(choice).await {
                    Ok(number) => number,
                    Err(value) => value.look() + leaf(60).await,
                }
            }

            $(#[$attribute])?
            async fn sequence(choice: usize) -> usize {
                let first = noisy(leaf(choice + 1).await);
                let second = noisy(leaf(first.look() + 10).await);
                drop(first);
                let third = leaf(30).await + second.look();
                leaf(40).await;
                drop(second);
                leaf(50).await * 2 + third
            }

            $(#[$attribute])?
            async fn loops(choice: usize) -> usize {
                let mut round = choice;
                loop {
                    let held = noisy(round);
                    round += 1;
                    if round % 2 == 0 {
                        leaf(held.look()).await;
                        continue;
                    }
                    if round > 4 {
                        let last = leaf(held.look() + 10).await;
                        break last;
                    }
                    leaf(20).await;
                }
            }

            $(#[$attribute])?
            async fn loops_twice(choice: usize) -> usize {
                let mut sum = 0;
                'outer: for first in 0..3 {
                    let _outer = noisy(first);
                    for second in 0..3 {
                        if second == choice {
                            sum += leaf(first).await;
                            continue 'outer;
                        }
                        let value = noisy(second + 10);
                        if first + second == 3 {
                            sum += leaf(value.look()).await;
                            break 'outer;
                        }
                    }
                }
                sum
            }

            $(#[$attribute])?
            async fn nested(choice: usize) -> usize {
                let outer = noisy(1);
                if leaf(choice).await < 2 {
                    let middle = noisy(2);
                    if leaf(choice + 10).await == 10 {
                        let inner = noisy(3);
                        leaf(middle.look()).await + inner.look()
                    } else {
                        leaf(5).await + middle.look()
                    }
                } else {
                    leaf(6).await + outer.look()
                }
            }

            $(#[$attribute])?
            async fn generic<F: Future<Output = usize>>(a: F, b: F, choice: usize) -> usize {
                let held = noisy(7);
                match choice {
                    0 => a.await,
                    1 => b.await,
                    2 => a.await + b.await,
                    _ => {
                        let second = b.await;
                        held.look();
                        a.await + second * 2
                    }
                }
            }

            $(#[$attribute])?
            async fn calls_generic(choice: usize) -> usize {
                let first = generic(leaf(100), leaf(200), choice).await;
                generic(send(300), send(400), choice).await + first
            }

            $(#[$attribute])?
            async fn by_reference(choice: usize) -> usize {
                let mut a = leaf(10);
                let mut b = leaf(20);
                let sum = match choice {
                    0 => (&mut a).await + 1,
                    1 => (&mut b).await + 2,
                    2 => (&mut a).await + (&mut b).await,
                    _ => (&mut b).await * (&mut a).await,
                };
                drop(b);
                noisy(sum).look()
            }

            $(#[$attribute])?
            async fn boxed(choice: usize) -> usize {
                type Boxed = Pin<Box<dyn Future<Output = usize>>>;
                let a: Boxed = Box::pin(leaf(1));
                let b: Boxed = Box::pin(send(2));
                let held = noisy(3);
                if choice % 2 == 0 { a.await + held.look() } else { b.await }
            }

            $(#[$attribute])?
            async fn two_kinds(choice: usize) -> usize {
                match choice {
                    0 => {
                        let value = noisy(leaf(1).await);
                        send(2).await + value.look()
                    }
                    1 => {
                        let number = send(3).await;
                        let value = noisy(number);
                        leaf(4).await + value.look()
                    }
                    _ => {
                        let value = noisy(leaf(5).await);
                        send(6).await + value.look()
                    }
                }
            }

            $(#[$attribute])?
            async fn conditions(choice: usize) -> usize {
                let held = noisy(9);
                let both = leaf(choice).await == 0 || leaf(choice + 10).await == 11;
                let any = leaf(20).await == 20 && leaf(choice + 30).await != 32;
                held.look() + usize::from(both) * 10 + usize::from(any)
            }

            $(#[$attribute])?
            async fn returns(choice: usize) -> usize {
                let held = noisy(1);
                if choice == 0 {
                    return leaf(2).await;
                }
                let second = noisy(3);
                if choice == 1 {
                    return leaf(4).await + second.look();
                }
                drop(held);
                leaf(5).await
            }

            $(#[$attribute])?
            async fn assigns_later(choice: usize) -> usize {
                let value;
                if choice % 2 == 0 {
                    value = noisy(leaf(1).await);
                } else {
                    value = noisy(leaf(2).await + 10);
                }
                let last;
                match choice {
                    0 | 1 => last = send(3).await,
                    _ => last = send(value.look()).await,
                }
                last + value.look()
            }

            $(#[$attribute])?
            async fn may_move(choice: usize) -> usize {
                let value = noisy(1);
                let other = noisy(2);
                let sum = if choice == 0 {
                    drop(value);
                    leaf(3).await
                } else if choice == 1 {
                    let number = leaf(4).await;
                    drop(value);
                    number
                } else if choice == 2 {
                    send_noisy(value, 5).await
                } else {
                    send_noisy(other, 6).await
                };
                leaf(sum).await
            }

            $(#[$attribute])?
            async fn temporaries(choice: usize) -> usize {
                match choice {
                    0 => noisy(1).look() + leaf(noisy(2).look()).await,
                    1 => leaf(noisy(3).look()).await + noisy(4).look(),
                    2 => {
                        let sum = (noisy(5), leaf(6).await).1 + send_noisy(noisy(7), 8).await;
                        sum + (leaf(9).await, noisy(10)).0
                    }
                    _ => [send(11).await, send(12).await, send(13).await].iter().sum(),
                }
            }

            $(#[$attribute])?
            async fn many_arms(choice: usize) -> usize {
                let sum = match choice * 2 + leaf(1).await % 2 {
                    0 => leaf(choice + 10).await,
                    1 => leaf(choice * 2 + 11).await,
                    2 => leaf(choice + 12).await,
                    3 => leaf(choice * 3).await,
                    4 => leaf(choice + 14).await,
                    5 => leaf(choice + 15).await + 1,
                    6 => leaf(choice + 16).await + 2,
                    _ => leaf(choice * 5).await + 2,
                };
                noisy(sum).look()
            }

            $(#[$attribute])?
            async fn blocks(choice: usize) -> usize {
                let captured = noisy(1);
                let block = async {
                    match choice {
                        0 => leaf(captured.look()).await,
                        1 => leaf(captured.look() + 1).await,
                        _ => leaf(3).await,
                    }
                };
                let closure = async |number: usize| {
                    let local = noisy(number);
                    if number < 2 { leaf(captured.0).await } else { leaf(local.look()).await }
                };
                let first = block.await;
                if choice == 0 { closure(1).await + first } else { closure(choice).await }
            }

            $(#[$attribute])?
            async fn borrows(choice: usize) -> usize {
                let mut kept = noisy(1);
                let mut numbers = [1, 2, 3];
                if choice % 2 == 0 {
                    let lent = &mut kept;
                    let number = leaf(10).await;
                    lent.0 += number;
                } else {
                    let lent = &mut numbers[choice % 3];
                    let number = leaf(20).await;
                    *lent += number;
                }
                if choice < 2 {
                    let lent = &kept;
                    let number = leaf(30).await;
                    numbers[0] += lent.look() + number;
                } else {
                    let lent = &kept;
                    let number = leaf(40).await;
                    numbers[0] += lent.look() + number;
                }
                numbers.iter().sum()
            }

            $(#[$attribute])?
            async fn no_value_held(choice: usize) -> usize {
                for number in 0..choice {
                    if number % 2 == 0 {
                        send(number).await;
                    } else {
                        send(number).await;
                    }
                }
                choice
            }

            $(#[$attribute])?
            async fn never(choice: usize) -> usize {
                let held = noisy(1);
                if choice < 2 {
                    leaf(2).await
                } else {
                    loop {
                        leaf_once(held.look()).await;
                    }
                }
            }

            pub const ALL: &[(&str, Program)] = &[
                ("command", |choice| Box::pin(command(choice))),
                ("unit_command", |choice| Box::pin(unit_command(choice))),
                ("branches", |choice| Box::pin(branches(choice))),
                ("work_before", |choice| Box::pin(work_before(choice))),
                ("question", |choice| Box::pin(question(choice))),
                ("sequence", |choice| Box::pin(sequence(choice))),
                ("loops", |choice| Box::pin(loops(choice))),
                ("loops_twice", |choice| Box::pin(loops_twice(choice))),
                ("nested", |choice| Box::pin(nested(choice))),
                ("generic", |choice| Box::pin(calls_generic(choice))),
                ("by_reference", |choice| Box::pin(by_reference(choice))),
                ("boxed", |choice| Box::pin(boxed(choice))),
                ("two_kinds", |choice| Box::pin(two_kinds(choice))),
                ("conditions", |choice| Box::pin(conditions(choice))),
                ("returns", |choice| Box::pin(returns(choice))),
                ("assigns_later", |choice| Box::pin(assigns_later(choice))),
                ("may_move", |choice| Box::pin(may_move(choice))),
                ("temporaries", |choice| Box::pin(temporaries(choice))),
                ("many_arms", |choice| Box::pin(many_arms(choice))),
                ("blocks", |choice| Box::pin(blocks(choice))),
                ("borrows", |choice| Box::pin(borrows(choice))),
                ("no_value_held", |choice| Box::pin(no_value_held(choice))),
                ("never", |choice| Box::pin(never(choice))),
            ];
        }
    };
}

programs!(together);
programs!(apart, #[optimize(none)]);

/// Runs a program with a panic at an event, and drops it when it is over or was polled so often.
/// Gives what happened, and whether it was over.
fn run(
    program: Program,
    choice: usize,
    pending: usize,
    polls: usize,
    panic_at: usize,
) -> (Vec<(&'static str, usize)>, bool) {
    PANIC_AT.set(panic_at);
    // The same for every four futures.
    PENDING.set(pending * (usize::MAX / 0xff));
    let mut future = program(choice);
    let mut is_over = false;
    for number in 1..=polls {
        let waker = waker(number);
        let poll = || future.as_mut().poll(&mut Context::from_waker(&waker));
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Ready(answer)) => {
                note("ready", answer);
                is_over = true;
            }
            Ok(Poll::Pending) => note("pending", 0),
            Err(_) => {
                note("caught", 0);
                is_over = true;
            }
        }
        if is_over {
            break;
        }
    }
    PANIC_AT.set(if is_over { usize::MAX } else { panic_at });
    let events = EVENTS.with_borrow(Vec::len);
    if is_over && !cfg!(off) {
        for _ in 0..3 {
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
    }
    if catch_unwind(AssertUnwindSafe(|| drop(future))).is_err() {
        note("caught", 0);
    }
    // Nothing is left to be dropped.
    assert!(!is_over || EVENTS.with_borrow(Vec::len) == events);
    PANIC_AT.set(usize::MAX);
    (EVENTS.take(), is_over)
}

/// Each value is dropped as often as it is made, and never more often, even if what is returned is
/// leaked where a drop panics.
fn is_balanced(trace: &[(&'static str, usize)]) -> bool {
    let count = |what: &str| trace.iter().filter(|(other, _)| other.starts_with(what)).count();
    let (made, dropped) = (count("make"), count("drop"));
    if count("panics") == 0 { made == dropped } else { made >= dropped }
}

fn compare(number: usize, choice: usize, pending: usize, panics: bool) {
    let (name, together) = together::ALL[number];
    let (_, apart) = apart::ALL[number];
    for polls in 0..12 {
        let mut is_over = false;
        for panic_at in [usize::MAX].into_iter().chain(0..) {
            let (expected, ends) = run(apart, choice, pending, polls, panic_at);
            let (found, _) = run(together, choice, pending, polls, panic_at);
            let case = format!("{name}({choice}), {pending:#x}, {polls} polls, {panic_at}");
            assert_eq!(found, expected, "{case}");
            assert!(is_balanced(&found), "{case}: {found:?}");
            let panicked = expected.iter().any(|(what, _)| *what == "panics");
            if panic_at == usize::MAX {
                is_over = ends;
            } else if !panicked {
                break;
            }
            if !panics {
                break;
            }
        }
        if is_over {
            break;
        }
    }
}

/// What `command` does, in words.
fn check_command() {
    let (_, command) = together::ALL[0];
    let start = |choice| vec![("make", 1), ("make", choice), ("look", choice)];
    for (choice, number) in [(0, 123), (1, 456), (2, 789)] {
        // It is pending once, and dropped.
        let mut expected = start(choice);
        expected.extend([("make leaf", number), ("poll", number), ("by", 1), ("pending", 0)]);
        let so_far = expected.clone();
        expected.extend([("drop leaf", number), ("drop", choice), ("drop", 1)]);
        assert_eq!(run(command, choice, 1, 1, usize::MAX), (expected, false));
        // It is pending once, and comes to its end.
        let mut expected = so_far;
        expected.extend([("poll", number), ("by", 2), ("drop leaf", number), ("drop", choice)]);
        expected.extend([("look", 1), ("drop", 1), ("ready", 1)]);
        assert_eq!(run(command, choice, 1, 9, usize::MAX), (expected, true));
    }
}

fn main() {
    check_command();
    for number in 0..together::ALL.len() {
        for choice in 0..4 {
            // Each of four futures is pending up to three times.
            for pending in 0..256 {
                compare(number, choice, pending, false);
            }
            if cfg!(panic = "unwind") {
                for pending in [0x00, 0x55, 0x06, 0x1b] {
                    compare(number, choice, pending, true);
                }
            }
        }
    }
}
