// How large a body may be that is inlined wherever it is awaited depends on the opt-level. A larger
// one is inlined where it is the only one: a function that is named once, but awaited twice by way
// of a variable, is not.

//@ revisions: SPEED SIZE
//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no
//@ [SPEED] compile-flags: -Copt-level=3
//@ [SIZE] compile-flags: -Copt-level=s

#![crate_type = "bin"]

use std::pin::Pin;
use std::task::{Context, Poll};

unsafe extern "Rust" {
    safe fn is_ready(number: u32) -> bool;
}

struct Wait(u32);

impl Future for Wait {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        if is_ready(self.0) { Poll::Ready(self.0) } else { Poll::Pending }
    }
}

/// Costs about 90: two copies are within the budget for speed, and three are not.
async fn medium(number: u32) -> u32 {
    let a = Wait(number).await;
    let b = Wait(a).await;
    let c = Wait(a ^ b).await;
    a ^ b ^ c
}

/// Async fns that cost far more than any limit.
macro_rules! large {
    ($($name:ident)*) => { $(
        async fn $name(number: u32) -> u32 {
            let mut sum = number;
            often! { sum 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 }
            sum
        }
    )* };
}

macro_rules! often {
    ($sum:ident $($wait:literal)*) => { $($sum ^= Wait($sum ^ $wait).await;)* };
}

large!(large large_too);

// CHECK-LABEL: fn medium_twice::{closure#0}(
// SPEED: (inlined medium::{closure#0})
// SPEED: (inlined medium::{closure#0})
// SIZE-NOT: (inlined medium::{closure#0})
async fn medium_twice() -> u32 {
    medium(1).await ^ medium(2).await
}

// CHECK-LABEL: fn medium_thrice::{closure#0}(
// CHECK-NOT: (inlined medium::{closure#0})
async fn medium_thrice() -> u32 {
    medium(1).await ^ medium(2).await ^ medium(3).await
}

// CHECK-LABEL: fn large_once::{closure#0}(
// CHECK: (inlined large_too::{closure#0})
async fn large_once() -> u32 {
    large_too(1).await
}

// CHECK-LABEL: fn large_by_variable::{closure#0}(
// CHECK-NOT: (inlined large::{closure#0})
// CHECK-LABEL: fn main(
async fn large_by_variable() -> u32 {
    let function = large;
    function(1).await ^ function(2).await
}

fn main() {
    let _ = (medium_twice(), medium_thrice(), large_once(), large_by_variable());
}
