// What LLVM makes of futures that never wait: the article's `bar`, which awaits `foo` twice, is the
// constant 10, and so are its poll function and whatever awaits it in turn, at every opt level that
// the pass runs at. So is what reaches its awaitees only through a generic parameter.

//@ revisions: OPT-1 OPT-3 OPT-S OPT-Z ABORT-3 ABORT-Z
//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Csymbol-mangling-version=v0
//@[OPT-1] compile-flags: -Copt-level=1
//@[OPT-3] compile-flags: -Copt-level=3
//@[OPT-S] compile-flags: -Copt-level=s
//@[OPT-Z] compile-flags: -Copt-level=z
//@[ABORT-3] compile-flags: -Cpanic=abort -Copt-level=3
//@[ABORT-Z] compile-flags: -Cpanic=abort -Copt-level=z

#![crate_type = "lib"]

use std::future::ready;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

pub fn foo() -> impl Future<Output = i32> {
    async { 5 }
}

pub fn bar() -> impl Future<Output = i32> {
    async { foo().await + foo().await }
}

// CHECK-LABEL: @run_bar
// CHECK-NOT: call
// CHECK: ret i32 10
#[unsafe(no_mangle)]
pub fn run_bar() -> i32 {
    block_on(bar())
}

// `Poll<i32>` is returned as its tag and its value.
// CHECK-LABEL: @poll_bar
// CHECK-NOT: call
// CHECK: ret { i32, i32 } { i32 0, i32 10 }
#[unsafe(no_mangle)]
pub fn poll_bar(context: &mut Context<'_>) -> Poll<i32> {
    pin!(bar()).poll(context)
}

async fn deep() -> i32 {
    async { bar().await + 1 }.await
}

// CHECK-LABEL: @run_deep
// CHECK-NOT: call
// CHECK: ret i32 11
#[unsafe(no_mangle)]
pub fn run_deep() -> i32 {
    block_on(async { deep().await })
}

trait Source {
    async fn get(&self) -> i32;
}

impl Source for i32 {
    async fn get(&self) -> i32 {
        *self
    }
}

async fn sum(first: &impl Source, second: &impl Source) -> i32 {
    first.get().await + second.get().await
}

// CHECK-LABEL: @run_generic
// CHECK-NOT: call
// CHECK: ret i32 5
#[unsafe(no_mangle)]
pub fn run_generic() -> i32 {
    block_on(sum(&2, &3))
}

/// Ready, as written by hand.
struct Now(i32);

impl Future for Now {
    type Output = i32;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<i32> {
        Poll::Ready(self.0)
    }
}

// CHECK-LABEL: @run_by_hand
// CHECK-NOT: call
// CHECK: ret i32 13
#[unsafe(no_mangle)]
pub fn run_by_hand() -> i32 {
    block_on(async { Now(6).await + ready(7).await })
}
