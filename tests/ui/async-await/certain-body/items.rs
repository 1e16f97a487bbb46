// What is called is the method of the impl, be it written in the impl or in the trait, and it is
// called once for each call that is written. A function without a body is called, too: the required
// method of a trait, a function of a foreign block.

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

use std::pin::pin;

use polling::{complete, step, take_trace, trace};

trait Make {
    async fn with_default() -> u32 {
        5
    }

    async fn without_default() -> u32;

    async fn by_reference(&self) -> u32 {
        6
    }
}

/// Takes the defaults.
struct Default;

impl Make for Default {
    async fn without_default() -> u32 {
        2
    }
}

/// Takes none, and does more than to make a future.
struct Other;

#[allow(refining_impl_trait)]
impl Make for Other {
    fn with_default() -> impl Future<Output = u32> {
        trace("made by Other");
        Default::with_default()
    }

    fn without_default() -> impl Future<Output = u32> {
        trace("made by Other, which has to");
        Default::without_default()
    }

    fn by_reference(&self) -> impl Future<Output = u32> {
        trace("made by reference");
        async { 7 }
    }
}

fn methods() {
    async fn of<M: Make>(it: M) -> [u32; 3] {
        [M::with_default().await, M::without_default().await, it.by_reference().await]
    }
    async fn of_default() -> [u32; 3] {
        [
            Default::with_default().await,
            Default::without_default().await,
            Default.by_reference().await,
        ]
    }
    async fn of_other() -> [u32; 3] {
        [Other::with_default().await, Other::without_default().await, Other.by_reference().await]
    }
    let made = ["made by Other", "made by Other, which has to", "made by reference"];

    assert_eq!(complete(pin!(of(Default)), 0), [5, 2, 6]);
    assert_eq!(complete(pin!(of_default()), 0), [5, 2, 6]);
    assert!(take_trace().is_empty());
    assert_eq!(complete(pin!(of(Other)), 0), [5, 2, 7]);
    assert_eq!(take_trace(), made);
    assert_eq!(complete(pin!(of_other()), 0), [5, 2, 7]);
    assert_eq!(take_trace(), made);
}

/// Arms that do the same, after calls that may be made in one place, or may not.
fn arms() {
    async fn wait() -> u32 {
        step("wait", 2).await;
        9
    }

    unsafe extern "C" {
        fn abs(number: i32) -> i32;
    }
    async fn foreign(k: u32) -> (u32, i32) {
        match k {
            0 => (unsafe { abs(-1) }, wait().await),
            1 => (unsafe { abs(-2) }, wait().await),
            _ => (unsafe { abs(-3) }, wait().await),
        }
        .swap()
    }

    async fn by_trait(k: u32) -> u32 {
        match k {
            0 => {
                drop(Other::with_default());
                wait().await
            }
            1 => {
                drop(Other::without_default());
                wait().await
            }
            _ => {
                drop(Default::without_default());
                wait().await
            }
        }
    }

    for k in 0..3 {
        assert_eq!(complete(pin!(foreign(k)), 2), (9, k as i32 + 1));
        take_trace();
        assert_eq!(complete(pin!(by_trait(k)), 2), 9);
        let made = take_trace().into_iter().filter(|event| event.starts_with("made")).count();
        assert_eq!(made, if k < 2 { 1 } else { 0 });
    }
}

trait Swap<T> {
    fn swap(self) -> T;
}

impl<A, B> Swap<(B, A)> for (A, B) {
    fn swap(self) -> (B, A) {
        (self.1, self.0)
    }
}

fn main() {
    methods();
    arms();
}
