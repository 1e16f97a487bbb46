// What was matched is not saved with a part of it that was moved out, whatever else it may hold:
// the arm says which variant it is, and a drop flag what is left.

//@ run-pass
//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Copt-level=2 -Zvalidate-mir -Zlint-mir
//@ revisions: on off abort
//@[on] compile-flags: -Zasync-returned-panic=no
//@[off] compile-flags: -Zasync-returned-panic=no -Zmir-enable-passes=-DeadReads
//@[abort] compile-flags: -Zasync-returned-panic=no -Cpanic=abort

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::mem::replace;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

thread_local! {
    static DROPPED: RefCell<Vec<u8>> = const { RefCell::new(vec![]) };
    static UNWIND: Cell<bool> = const { Cell::new(false) };
}

/// Notes that it is dropped.
struct Noted<const N: usize>([u8; N]);

impl<const N: usize> Drop for Noted<N> {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0[0]));
    }
}

type Large = Noted<200>;
type Small = Noted<1>;

fn large() -> Large {
    Noted([1; 200])
}

fn small() -> Small {
    Noted([2])
}

/// Is done at the second poll.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn send(large: &Large) -> u8 {
    Yield(false).await;
    black_box(large).0[0]
}

async fn if_let(make: fn() -> Result<Large, Small>) -> u8 {
    if let Ok(large) = make() { send(&large).await } else { 0 }
}

async fn generic<E>(make: fn() -> Result<Large, E>) -> u8 {
    match make() {
        Ok(large) => send(&large).await,
        Err(_) => 0,
    }
}

/// The arms come together, and then what was matched is dropped.
async fn in_loop(make: fn() -> Result<Large, Small>) -> u8 {
    for round in 0..2 {
        match make() {
            Ok(large) => {
                if send(&large).await == 2 {
                    return round;
                }
            }
            Err(_) => DROPPED.with_borrow_mut(|dropped| dropped.push(9)),
        }
    }
    2
}

async fn guarded(make: fn() -> Result<(Large, u8), Small>) -> u8 {
    match make() {
        Ok((large, number)) if number > 3 => send(&large).await,
        Ok(_) => 3,
        Err(_) => 0,
    }
}

enum Several {
    Large(Large),
    Small(Small),
    Boxed(#[allow(unused)] Box<Small>),
}

async fn of_several(make: fn() -> Several) -> u8 {
    match make() {
        Several::Large(large) => send(&large).await,
        Several::Small(small) => small.0[0],
        _ => 3,
    }
}

/// An arm borrows what is in a variant, and does not change which one it is.
async fn by_ref(make: fn() -> Result<Large, Small>) -> u8 {
    match make() {
        Ok(large) => send(&large).await,
        Err(ref small) => small.0[0],
    }
}

/// So does what looks at it first.
async fn looked_at(make: fn() -> Result<Large, Small>) -> u8 {
    let answer = make();
    if answer.is_err() {
        return 6;
    }
    match answer {
        Ok(large) => send(&large).await,
        Err(small) => small.0[0],
    }
}

enum Settable {
    Set(Cell<u8>),
    Unset(u8),
}

/// It has interior mutability, so it may be changed where it is borrowed like that.
async fn unset_by_borrow(settable: Settable) -> u8 {
    if let Settable::Set(_) = settable {
        unset(&settable);
        Yield(false).await;
        match settable {
            Settable::Set(number) => number.get(),
            Settable::Unset(number) => number,
        }
    } else {
        7
    }
}

#[inline(never)]
fn unset(settable: &Settable) {
    // SAFETY: it is not `Freeze`, and nobody else borrows it.
    unsafe { (&raw const *settable).cast_mut().write(Settable::Unset(2)) }
}

async fn nested(make: fn() -> Result<Result<Large, Small>, Small>) -> u8 {
    match make() {
        Ok(Ok(large)) => send(&large).await,
        Ok(Err(_)) => 4,
        Err(_) => 5,
    }
}

/// Several arms unwind, and their cleanup comes together, with and without an await.
async fn unwinding(answer: Result<Small, Small>) {
    match answer {
        Ok(small) => {
            yields().await;
            may_unwind();
            drop(small);
        }
        Err(_) => {
            may_unwind();
        }
    }
    may_unwind();
    yields().await;
}

async fn yields() {
    Yield(false).await;
}

async fn unwinding_several(several: Several) {
    match several {
        Several::Large(large) => {
            yields().await;
            may_unwind();
            drop(large);
        }
        Several::Small(ref small) => {
            may_unwind();
            black_box(small);
        }
        _ => may_unwind(),
    }
    may_unwind();
}

enum Either {
    Small(Small),
    Result(Result<Small, Small>),
}

async fn unwinding_nested(either: Either) {
    match either {
        Either::Small(small) => {
            may_unwind();
            drop(small);
        }
        Either::Result(Ok(small)) => {
            may_unwind();
            drop(small);
        }
        Either::Result(_) => {
            may_unwind();
        }
    }
    may_unwind();
}

/// Unwinds if that is asked for.
fn may_unwind() {
    assert!(!UNWIND.replace(false));
}

/// What is matched gets another value, and is matched again.
async fn assigned(make: fn() -> Result<Large, Small>) -> u8 {
    let mut answer = make();
    let mut sum = 0;
    for _ in 0..2 {
        sum += match answer {
            Ok(large) => {
                answer = Err(small());
                send(&large).await
            }
            Err(small) => {
                answer = Ok(large());
                small.0[0]
            }
        };
    }
    drop(answer);
    sum
}

/// It is changed where it is.
async fn changed(make: fn() -> Result<Large, Small>) -> u8 {
    let mut answer = make();
    let first = matches!(answer, Ok(_));
    change(&mut answer);
    Yield(false).await;
    if let Ok(large) = answer { send(&large).await } else { u8::from(first) }
}

#[inline(never)]
fn change(answer: &mut Result<Large, Small>) {
    let changed = if answer.is_ok() { Err(small()) } else { Ok(large()) };
    drop(replace(answer, changed));
}

#[track_caller]
fn check(future: impl Future) {
    let size = size_of_val(&future);
    if cfg!(off) {
        assert!(size >= 2 * size_of::<Large>(), "{size}");
    } else {
        assert!(size < size_of::<Large>() + 64, "{size}");
    }
}

/// What a future answers, if it is polled so often, and what it drops.
fn run<F: Future>(polls: usize, future: F) -> (Option<F::Output>, Vec<u8>) {
    let mut answer = None;
    {
        let mut future: Pin<&mut F> = pin!(future);
        for _ in 0..polls {
            match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(ready) => {
                    answer = Some(ready);
                    break;
                }
                Poll::Pending => {}
            }
        }
    }
    (answer, DROPPED.take())
}

fn main() {
    check(if_let(|| Err(small())));
    check(generic(|| Err(small())));
    // Where a panic unwinds the arms come together, too.
    check(in_loop(|| Err(small())));
    check(guarded(|| Err(small())));
    check(of_several(|| Several::Small(small())));
    check(by_ref(|| Err(small())));
    check(looked_at(|| Err(small())));
    check(nested(|| Ok(Err(small()))));

    assert_eq!(run(1, if_let(|| Ok(large()))), (None, vec![1]));
    assert_eq!(run(2, if_let(|| Ok(large()))), (Some(1), vec![1]));
    assert_eq!(run(1, if_let(|| Err(small()))), (Some(0), vec![2]));
    assert_eq!(run(1, generic(|| Ok::<_, Small>(large()))), (None, vec![1]));
    assert_eq!(run(2, generic(|| Ok::<_, u8>(large()))), (Some(1), vec![1]));
    assert_eq!(run(1, generic(|| Err(small()))), (Some(0), vec![2]));
    assert_eq!(run(2, in_loop(|| Ok(large()))), (None, vec![1, 1]));
    assert_eq!(run(3, in_loop(|| Ok(large()))), (Some(2), vec![1, 1]));
    assert_eq!(run(1, in_loop(|| Ok(Noted([2; 200])))), (None, vec![2]));
    assert_eq!(run(2, in_loop(|| Ok(Noted([2; 200])))), (Some(0), vec![2]));
    assert_eq!(run(1, in_loop(|| Err(small()))), (Some(2), vec![9, 2, 9, 2]));
    assert_eq!(run(1, guarded(|| Ok((large(), 4)))), (None, vec![1]));
    assert_eq!(run(2, guarded(|| Ok((large(), 4)))), (Some(1), vec![1]));
    assert_eq!(run(2, guarded(|| Ok((large(), 3)))), (Some(3), vec![1]));
    assert_eq!(run(2, guarded(|| Err(small()))), (Some(0), vec![2]));
    assert_eq!(run(1, of_several(|| Several::Large(large()))), (None, vec![1]));
    assert_eq!(run(2, of_several(|| Several::Large(large()))), (Some(1), vec![1]));
    assert_eq!(run(2, of_several(|| Several::Small(small()))), (Some(2), vec![2]));
    assert_eq!(run(2, of_several(|| Several::Boxed(Box::new(small())))), (Some(3), vec![2]));
    assert_eq!(run(1, by_ref(|| Ok(large()))), (None, vec![1]));
    assert_eq!(run(2, by_ref(|| Ok(large()))), (Some(1), vec![1]));
    assert_eq!(run(2, by_ref(|| Err(small()))), (Some(2), vec![2]));
    assert_eq!(run(1, looked_at(|| Ok(large()))), (None, vec![1]));
    assert_eq!(run(2, looked_at(|| Ok(large()))), (Some(1), vec![1]));
    assert_eq!(run(2, looked_at(|| Err(small()))), (Some(6), vec![2]));
    assert_eq!(run(2, unset_by_borrow(Settable::Set(Cell::new(3)))), (Some(2), vec![]));
    assert_eq!(run(2, unset_by_borrow(Settable::Unset(2))), (Some(7), vec![]));
    assert_eq!(run(2, unwinding_several(Several::Large(large()))), (Some(()), vec![1]));
    assert_eq!(run(2, unwinding_several(Several::Small(small()))), (Some(()), vec![2]));
    assert_eq!(run(1, nested(|| Ok(Ok(large())))), (None, vec![1]));
    assert_eq!(run(2, nested(|| Ok(Ok(large())))), (Some(1), vec![1]));
    assert_eq!(run(2, nested(|| Ok(Err(small())))), (Some(4), vec![2]));
    assert_eq!(run(2, nested(|| Err(small()))), (Some(5), vec![2]));
    assert_eq!(run(2, unwinding(Ok(small()))), (None, vec![2]));
    assert_eq!(run(2, unwinding(Err(small()))), (Some(()), vec![2]));
    assert_eq!(run(1, unwinding_nested(Either::Small(small()))), (Some(()), vec![2]));
    assert_eq!(run(1, unwinding_nested(Either::Result(Ok(small())))), (Some(()), vec![2]));
    assert_eq!(run(1, unwinding_nested(Either::Result(Err(small())))), (Some(()), vec![2]));
    if !cfg!(abort) {
        let unwinds = |polls, future: Pin<Box<dyn Future<Output = ()>>>| {
            UNWIND.set(true);
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| run(polls, future)));
            assert!(result.is_err());
            DROPPED.take()
        };
        assert_eq!(unwinds(2, Box::pin(unwinding(Ok(Noted([9]))))), [9]);
        assert_eq!(unwinds(1, Box::pin(unwinding_nested(Either::Small(Noted([9]))))), [9]);
        let large = Several::Large(Noted([9; 200]));
        assert_eq!(unwinds(2, Box::pin(unwinding_several(large))), [9]);
        assert_eq!(unwinds(1, Box::pin(unwinding_several(Several::Small(Noted([9]))))), [9]);
        let boxed = Several::Boxed(Box::new(Noted([9])));
        assert_eq!(unwinds(1, Box::pin(unwinding_several(boxed))), [9]);
        let result = Either::Result(Ok(Noted([9])));
        assert_eq!(unwinds(1, Box::pin(unwinding_nested(result))), [9]);
    }
    assert_eq!(run(1, assigned(|| Ok(large()))), (None, vec![1, 2]));
    assert_eq!(run(2, assigned(|| Ok(large()))), (Some(3), vec![1, 2, 1]));
    assert_eq!(run(2, assigned(|| Err(small()))), (Some(3), vec![2, 1, 2]));
    assert_eq!(run(1, changed(|| Ok(large()))), (None, vec![1, 2]));
    assert_eq!(run(2, changed(|| Ok(large()))), (Some(1), vec![1, 2]));
    assert_eq!(run(2, changed(|| Err(small()))), (None, vec![2, 1]));
    assert_eq!(run(3, changed(|| Err(small()))), (Some(1), vec![2, 1]));
}
