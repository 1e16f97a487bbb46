// Saved locals share their places if they are not needed at the same time, however many suspension
// points each is needed at, and keep what they hold.

//@ run-pass
//@ edition: 2024
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level2 levelz debuginfo
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=2
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@[debuginfo] compile-flags: -Zasync-returned-panic=no -Copt-level=2 -g

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn wait() -> Once {
    Once(false)
}

fn fill<const N: usize>(first: u8) -> [u8; N] {
    black_box(std::array::from_fn(|index| first.wrapping_add(index as u8)))
}

fn holds<const N: usize>(array: &[u8; N], first: u8) {
    assert_eq!(*black_box(array), fill::<N>(first));
}

async fn one_after_the_other() -> u32 {
    let whole = fill::<8>(1);
    {
        let array = fill::<500>(2);
        wait().await;
        holds(&array, 2);
        wait().await;
        holds(&array, 2);
    }
    for round in 3..6 {
        let (small, large) = (fill::<100>(round), fill::<300>(round + 1));
        wait().await;
        holds(&small, round);
        let between = fill::<90>(round + 2);
        wait().await;
        holds(&large, round + 1);
        holds(&between, round + 2);
        holds(&small, round);
    }
    holds(&whole, 1);
    1
}

async fn one_or_the_other(first: bool) -> u32 {
    if first {
        let (array, word) = (fill::<400>(6), black_box(7_u64));
        wait().await;
        holds(&array, 6);
        wait().await;
        holds(&array, 6);
        assert_eq!(black_box(word), 7);
    } else {
        let (word, array) = (black_box(8_u64), fill::<400>(9));
        wait().await;
        assert_eq!(black_box(word), 8);
        wait().await;
        holds(&array, 9);
        assert_eq!(black_box(word), 8);
    }
    2
}

/// Each is there when the next is made, so that only every other one can have its place.
async fn handed_on() -> u32 {
    let mut array = fill::<200>(10);
    wait().await;
    wait().await;
    let second = array.map(|byte| byte + 1);
    wait().await;
    wait().await;
    array = second.map(|byte| byte + 1);
    wait().await;
    wait().await;
    holds(&array, 12);
    3
}

struct Bytes<const N: usize>([u8; N]);

fn give<const N: usize>(bytes: Bytes<N>, first: u8) {
    holds(&bytes.0, first);
}

/// Placed by size, the last one would find the place of neither of the two that it may not share.
async fn with_a_gap() -> u32 {
    let second = Bytes(fill::<90>(13));
    {
        let first = Bytes(fill::<100>(14));
        wait().await;
        give(first, 14);
    }
    let fourth = Bytes(fill::<70>(15));
    wait().await;
    give(second, 13);
    let third = Bytes(fill::<80>(16));
    wait().await;
    give(third, 16);
    give(fourth, 15);
    4
}

async fn holds_three_beside_each_other() {
    let beside = fill::<32>(17);
    {
        let array = fill::<64>(18);
        wait().await;
        holds(&array, 18);
    }
    {
        let (first, second) = (fill::<56>(19), fill::<24>(20));
        wait().await;
        holds(&first, 19);
        holds(&second, 20);
    }
    holds(&beside, 17);
}

async fn holds_one_twice() {
    let array = fill::<48>(21);
    wait().await;
    holds(&array, 21);
    wait().await;
    holds(&array, 21);
}

/// Not inlined, each of the two lies in one piece in the same place. If the largest of their locals
/// come first, the smaller ones lie in between.
async fn nested() -> u32 {
    let array = fill::<64>(22);
    holds_three_beside_each_other().await;
    holds_one_twice().await;
    holds(&array, 22);
    5
}

/// The last two are made while the first two still have storage, but are never saved with them.
async fn conflicts_by_storage_only<const A: usize, const B: usize, const C: usize>() {
    let (long, short);
    {
        let first = fill::<8>(23);
        let second = fill::<B>(24);
        wait().await;
        holds(&first, 23);
        holds(&second, 24);
        long = fill::<C>(25);
        short = fill::<5>(26);
        holds(&long, 25);
        holds(&short, 26);
    }
    let last = fill::<A>(27);
    wait().await;
    holds(&last, 27);
    holds(&long, 25);
    holds(&short, 26);
}

/// The largest of their locals come first, and leave gaps, unless those do that conflict with most.
async fn nested_twice() -> u32 {
    conflicts_by_storage_only::<24, 18, 22>().await;
    conflicts_by_storage_only::<23, 17, 21>().await;
    6
}

fn finish(future: impl Future<Output = u32>) -> u32 {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer;
        }
    }
}

fn main() {
    let is_on = cfg!(not(off));
    assert_eq!(size_of_val(&one_after_the_other()) < 550, is_on);
    assert_eq!(size_of_val(&one_or_the_other(true)) < 450, is_on);
    assert_eq!(size_of_val(&with_a_gap()) < 200, is_on);
    assert!(size_of_val(&nested()) <= 179, "{}", size_of_val(&nested()));
    assert!(size_of_val(&nested_twice()) <= 56, "{}", size_of_val(&nested_twice()));
    assert_eq!(finish(one_after_the_other()), 1);
    assert_eq!(finish(one_or_the_other(true)), 2);
    assert_eq!(finish(one_or_the_other(false)), 2);
    assert_eq!(finish(handed_on()), 3);
    assert_eq!(finish(with_a_gap()), 4);
    assert_eq!(finish(nested()), 5);
    assert_eq!(finish(nested_twice()), 6);
}
