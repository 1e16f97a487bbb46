// Without `-Zasync-returned-panic=no` every coroutine answers as it always did: polled after
// completion or after a caught panic it panics, with these messages; only the iterators end in
// `None`. The same goes for a crate that chose `no` but switched the pass off.

//@ run-pass
//@ needs-unwind
//@ edition: 2024
//@ revisions: implicit explicit without_pass
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[explicit] compile-flags: -Zasync-returned-panic=yes
//@[without_pass] compile-flags: -Zasync-returned-panic=no -Zmir-enable-passes=-ReturnedPending
//@[without_pass] compile-flags: -Copt-level=0
//@ aux-build: polling.rs

#![feature(coroutine_trait, coroutines, gen_blocks, stmt_expr_attributes)]

extern crate polling;

use std::ops::{Coroutine, CoroutineState};
use std::pin::{Pin, pin};
use std::task::Poll;

use polling::{complete, panic_message, poll_next_once, poll_once, step};

async fn finishes() {
    step("await", 1).await;
}

async fn breaks() {
    step("await", 1).await;
    panic!("broken");
}

fn async_fn_block_and_closure() {
    fn after_completion(future: impl Future<Output = ()>) {
        let mut future = pin!(future);
        complete(future.as_mut(), 1);
        for _ in 0..3 {
            let message = panic_message(|| poll_once(future.as_mut()));
            assert_eq!(message, "`async fn` resumed after completion");
        }
    }

    fn after_panic(future: impl Future<Output = ()>) {
        let mut future = pin!(future);
        assert!(poll_once(future.as_mut()).is_pending());
        assert_eq!(panic_message(|| poll_once(future.as_mut())), "broken");
        for _ in 0..3 {
            let message = panic_message(|| poll_once(future.as_mut()));
            assert_eq!(message, "`async fn` resumed after panicking");
        }
    }

    after_completion(finishes());
    after_completion(async { step("await", 1).await });
    after_completion((async || step("await", 1).await)());

    after_panic(breaks());
    after_panic(async {
        step("await", 1).await;
        panic!("broken")
    });
    let closure = async || {
        step("await", 1).await;
        panic!("broken")
    };
    after_panic(closure());
}

fn async_gen() {
    async gen fn finishes() -> u32 {
        step("await", 1).await;
        yield 1;
    }

    async gen fn breaks() -> u32 {
        yield 1;
        panic!("broken");
    }

    let mut items = pin!(finishes());
    assert_eq!(poll_next_once(items.as_mut()), Poll::Pending);
    assert_eq!(poll_next_once(items.as_mut()), Poll::Ready(Some(1)));
    for _ in 0..3 {
        assert_eq!(poll_next_once(items.as_mut()), Poll::Ready(None));
    }

    let mut items = pin!(breaks());
    assert_eq!(poll_next_once(items.as_mut()), Poll::Ready(Some(1)));
    assert_eq!(panic_message(|| poll_next_once(items.as_mut())), "broken");
    for _ in 0..3 {
        let message = panic_message(|| poll_next_once(items.as_mut()));
        assert_eq!(message, "`async gen fn` resumed after panicking");
    }
}

fn r#gen() {
    gen fn finishes() -> u32 {
        yield 1;
    }

    gen fn breaks() -> u32 {
        yield 1;
        panic!("broken");
    }

    let mut items = finishes();
    assert_eq!(items.next(), Some(1));
    for _ in 0..3 {
        assert_eq!(items.next(), None);
    }

    let mut items = breaks();
    assert_eq!(items.next(), Some(1));
    assert_eq!(panic_message(|| items.next()), "broken");
    for _ in 0..3 {
        let message = panic_message(|| items.next());
        assert_eq!(message, "`gen fn` should just keep returning `None` after panicking");
    }
}

fn coroutine() {
    let mut finishes = #[coroutine]
    || {
        yield 1;
    };
    let mut finishes = Pin::new(&mut finishes);
    assert_eq!(finishes.as_mut().resume(()), CoroutineState::Yielded(1));
    assert_eq!(finishes.as_mut().resume(()), CoroutineState::Complete(()));
    for _ in 0..3 {
        let message = panic_message(|| finishes.as_mut().resume(()));
        assert_eq!(message, "coroutine resumed after completion");
    }

    let mut breaks = #[coroutine]
    || {
        yield 1;
        panic!("broken");
    };
    let mut breaks = Pin::new(&mut breaks);
    assert_eq!(breaks.as_mut().resume(()), CoroutineState::Yielded(1));
    assert_eq!(panic_message(|| breaks.as_mut().resume(())), "broken");
    for _ in 0..3 {
        let message = panic_message(|| breaks.as_mut().resume(()));
        assert_eq!(message, "coroutine resumed after panicking");
    }
}

fn main() {
    async_fn_block_and_closure();
    async_gen();
    r#gen();
    coroutine();
}
