// A future that is too large unless its saved locals share their places is laid out all the same:
// awaitees that are inlined save their locals at several suspension points each.

//@ build-pass
//@ only-64bit
//@ edition: 2024
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@ revisions: off level2 levelz
//@[off] compile-flags: -Zasync-returned-panic=yes -Copt-level=2
//@[level2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[levelz] compile-flags: -Zasync-returned-panic=no -Copt-level=z

use std::hint::black_box;
use std::mem::MaybeUninit;

const N: usize = 1 << 60;

fn touch<T>(value: &mut T) {
    black_box(value as *mut T);
}

async fn wait() {
    std::future::pending().await
}

#[inline(always)]
async fn inner() {
    let mut large = MaybeUninit::<[u8; N]>::uninit();
    touch(&mut large);
    wait().await;
    touch(&mut large);
    let small = black_box(1);
    wait().await;
    touch(&mut large);
    black_box(small);
    wait().await;
    touch(&mut large);
}

async fn outer() {
    inner().await;
    inner().await;
    inner().await;
    inner().await;
    inner().await;
}

fn size_of_made<F>(_: fn() -> F) -> usize {
    size_of::<F>()
}

fn main() {
    println!("{}", size_of_made(outer));
}
