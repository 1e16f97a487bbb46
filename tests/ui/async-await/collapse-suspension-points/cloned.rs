// A coroutine that can be cloned is cloned with all that is saved where it is suspended. So each of
// its suspension points saves what has a value there, and no more.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o1 no_os no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_os] compile-flags: -Zasync-returned-panic=no -Copt-level=s
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z

#![feature(coroutine_clone, coroutine_trait, coroutines)]

use std::cell::Cell;
use std::hint::black_box;
use std::ops::{Coroutine, CoroutineState};
use std::pin::Pin;

thread_local! {
    static CLONED: Cell<u32> = const { Cell::new(0) };
}

struct Saved(u32);

impl Clone for Saved {
    fn clone(&self) -> Self {
        assert_eq!(self.0, 5, "this was never given a value");
        CLONED.set(CLONED.get() + 1);
        Saved(self.0)
    }
}

fn work(number: u32) -> u32 {
    black_box(number)
}

fn saves_in_one_arm(
    saves: bool,
) -> impl Coroutine<(), Yield = u32, Return = u32> + Clone + Unpin {
    #[coroutine]
    move |_: ()| {
        if saves {
            let saved = Saved(5);
            yield 1;
            if work(work(work(work(work(work(work(work(5)))))))) == 5 {
                work(1);
            }
            saved.0
        } else {
            yield 1;
            if work(work(work(work(work(work(work(work(5)))))))) == 5 {
                work(1);
            }
            3
        }
    }
}

fn main() {
    for (saves, output) in [(true, 5), (false, 3)] {
        let mut coroutine = saves_in_one_arm(saves);
        assert_eq!(Pin::new(&mut coroutine).resume(()), CoroutineState::Yielded(1));
        let mut clone = coroutine.clone();
        assert_eq!(CLONED.take(), saves as u32);
        assert_eq!(Pin::new(&mut coroutine).resume(()), CoroutineState::Complete(output));
        assert_eq!(Pin::new(&mut clone).resume(()), CoroutineState::Complete(output));
    }
}
