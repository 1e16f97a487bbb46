// A body that awaits itself in a box, or where it is never reached, is fine: whether it ever waits
// is then not known, or known without it.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate polling;

use std::pin::{Pin, pin};

use polling::{complete, step};

/// Waits once at the bottom, if it is to wait at all.
async fn down(n: u32, waits: bool) -> u32 {
    match n {
        0 if waits => step("bottom", 1).await,
        0 => {}
        _ => return Box::pin(down(n - 1, waits)).await + 1,
    }
    0
}

fn is_even(n: u32) -> Pin<Box<dyn Future<Output = bool>>> {
    Box::pin(async move { if n == 0 { true } else { is_odd(n - 1).await } })
}

async fn is_odd(n: u32) -> bool {
    if n == 0 { false } else { is_even(n - 1).await }
}

/// It awaits itself with another argument.
fn halves<T: 'static>(n: u32, output: T) -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(async move {
        let _output = output;
        if n == 0 { 0 } else { halves(n / 2, ()).await + 1 }
    })
}

async fn after_a_return() -> u32 {
    return 5;
    #[allow(unreachable_code)]
    after_a_return().await
}

async fn behind_a_loop() -> u32 {
    loop {
        if std::hint::black_box(true) {
            return after_a_return().await;
        }
    }
    #[allow(unreachable_code)]
    behind_a_loop().await
}

trait Visit {
    fn visit(&self) -> impl Future<Output = u32>;
}

struct Leaf(u32);

impl Visit for Leaf {
    async fn visit(&self) -> u32 {
        self.0
    }
}

impl<A: Visit, B: Visit> Visit for (A, B) {
    async fn visit(&self) -> u32 {
        self.0.visit().await + self.1.visit().await
    }
}

impl<V: Visit> Visit for [V] {
    async fn visit(&self) -> u32 {
        match self {
            [] => 0,
            [first, rest @ ..] => first.visit().await + Box::pin(rest.visit()).await,
        }
    }
}

fn main() {
    assert_eq!(complete(pin!(down(10, false)), 0), 10);
    assert_eq!(complete(pin!(down(10, true)), 1), 10);
    assert!(complete(pin!(async { is_even(10).await && is_odd(11).await }), 0));
    assert_eq!(complete(pin!(async { halves(10, "text").await }), 0), 4);
    assert_eq!(complete(pin!(async { after_a_return().await + behind_a_loop().await }), 0), 10);

    let leaves = [((Leaf(1), Leaf(2)), Leaf(3)), ((Leaf(4), Leaf(5)), Leaf(6))];
    assert_eq!(complete(pin!(leaves.visit()), 0), 21);
}
