// How large a body may be that is inlined wherever it is awaited depends on the opt-level. A larger
// one is inlined where it is the only one: a function that is named once, but awaited twice by way
// of a variable, is not. Nor is one that another function calls, since what that returns may be
// awaited in several bodies, or one that all instances of a generic function share.

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

/// Costs about 65: that is small at `s`, however many copies there are. Three copies would be
/// within the budget for speed, and four are not.
async fn smaller(number: u32) -> u32 {
    let a = Wait(number).await;
    let b = Wait(a).await;
    a ^ b
}

/// Costs about 110: two copies are within the budget for speed, and three are not.
async fn medium(number: u32) -> u32 {
    let a = Wait(number).await;
    let b = Wait(a).await;
    let c = Wait(a ^ b).await;
    let ready = u32::from(is_ready(a)) ^ u32::from(is_ready(b)) ^ u32::from(is_ready(c));
    a ^ b ^ c ^ ready
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

large!(large large_too large_returned large_in_generic);

// CHECK-LABEL: fn smaller_often::{closure#0}(
// SPEED-NOT: (inlined smaller::{closure#0})
// SIZE: (inlined smaller::{closure#0})
async fn smaller_often() -> u32 {
    smaller(1).await ^ smaller(2).await ^ smaller(3).await ^ smaller(4).await
}

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
// CHECK-LABEL: fn large_by_function::{closure#0}(
async fn large_by_variable() -> u32 {
    let function = large;
    function(1).await ^ function(2).await
}

fn returns_large() -> impl Future<Output = u32> {
    large_returned(1)
}

// CHECK-NOT: (inlined large_returned::{closure#0})
// CHECK-LABEL: fn large_by_function_too::{closure#0}(
async fn large_by_function() -> u32 {
    returns_large().await
}

// CHECK-NOT: (inlined large_returned::{closure#0})
// CHECK-LABEL: fn by_generic::{closure#0}(
async fn large_by_function_too() -> u32 {
    returns_large().await
}

// CHECK-NOT: (inlined large_in_generic::{closure#0})
// CHECK-LABEL: fn by_generic_too::{closure#0}(
async fn by_generic<T: Copy + Into<u32>>(number: T) -> u32 {
    large_in_generic(number.into()).await ^ number.into()
}

/// Costs far more than any limit, and is made for each instance of the one that awaits it.
async fn large_generic<T: Copy + Into<u32>>(number: T) -> u32 {
    let mut sum = number.into();
    often! { sum 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 }
    sum ^ number.into()
}

// CHECK: (inlined large_generic::<T>::{closure#0})
// CHECK-LABEL: fn main(
async fn by_generic_too<T: Copy + Into<u32>>(number: T) -> u32 {
    large_generic(number).await ^ number.into()
}

fn main() {
    let _ = (smaller_often(), medium_twice(), medium_thrice());
    let _ = (large_once(), large_by_variable());
    let _ = (large_by_function(), large_by_function_too());
    let _ = (by_generic(1u8), by_generic(1u16), by_generic_too(1u8), by_generic_too(1u16));
}
