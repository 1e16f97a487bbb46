// A `poll` is never pending only if every way in which it answers gives `Ready`. It may answer
// without a value of its own that could be looked at: by becoming another function, by assembly, by
// handing on what others gave. Each future here waits once, and is waited for.

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

#![feature(explicit_tail_calls, naked_functions_rustic_abi)]
#![allow(incomplete_features)]

extern crate polling;

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use polling::complete;

/// Waits once, then is ready with what it owns.
struct Once {
    has_waited: bool,
    owned: Option<String>,
}

impl Once {
    fn new() -> Self {
        Once { has_waited: false, owned: Some("owned".to_owned()) }
    }

    fn answer(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<String> {
        let this = self.get_mut();
        if std::mem::replace(&mut this.has_waited, true) {
            Poll::Ready(this.owned.take().unwrap())
        } else {
            Poll::Pending
        }
    }
}

impl Future for Once {
    type Output = String;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<String> {
        self.answer(context)
    }
}

/// A future for each way to answer, around the one that waits once.
macro_rules! futures {
    ($($name:ident($this:ident, $context:ident) $(-> $output:ty)? $answer:block)*) => {
        $(
            struct $name(Once);

            impl Future for $name {
                type Output = futures!(@ $($output)?);

                fn poll(
                    self: Pin<&mut Self>,
                    $context: &mut Context<'_>,
                ) -> Poll<Self::Output> {
                    let $this = Pin::new(&mut self.get_mut().0);
                    $answer
                }
            }
        )*
    };
    (@) => { String };
    (@ $output:ty) => { $output };
}

futures! {
    ByMethod(this, context) { this.answer(context) }
    ByFunction(this, context) { Once::answer(this, context) }
    ByPointer(this, context) {
        let answer: fn(Pin<&mut Once>, &mut Context<'_>) -> Poll<String> = Once::answer;
        answer(this, context)
    }
    ByClosure(this, context) {
        let answer = || return this.answer(context);
        answer()
    }
    ByLocal(this, context) {
        let answer = this.answer(context);
        answer
    }
    ByMap(this, context) { this.answer(context).map(|owned| owned + "!") }
    ByMatch(this, context) {
        match this.answer(context) {
            Poll::Ready(owned) => Poll::Ready(owned),
            Poll::Pending => Poll::Pending,
        }
    }
    ByOneArm(this, context) {
        match this.answer(context) {
            Poll::Ready(owned) => Poll::Ready(owned),
            pending => pending,
        }
    }
    ByEarlyReturn(this, context) {
        if !this.has_waited {
            return this.answer(context);
        }
        Poll::Ready("owned".to_owned())
    }
    ByReady(this, context) { Poll::Ready(ready!(this.answer(context))) }
    ByBreak(this, context) {
        'answer: {
            if !this.has_waited {
                break 'answer this.answer(context);
            }
            Poll::Ready("owned".to_owned())
        }
    }
    ByLoop(this, context) {
        loop {
            break this.answer(context);
        }
    }
    ByQuestionMark(this, context) -> Result<String, ()> {
        let answer: Poll<Result<String, ()>> = this.answer(context).map(Ok);
        match answer? {
            Poll::Ready(owned) => Poll::Ready(Ok(owned)),
            Poll::Pending => Poll::Pending,
        }
    }
    ByQuestionMarkAndReady(this, context) -> Result<String, ()> {
        if let Poll::Pending = this.answer(context).map(Ok::<_, ()>)? {
            return Poll::Pending;
        }
        Poll::Ready(Ok("owned".to_owned()))
    }
    ByVariable(this, context) {
        let mut answer = Poll::Ready(String::new());
        if let Poll::Pending = this.answer(context) {
            answer = Poll::Pending;
        } else if let Poll::Ready(owned) = &mut answer {
            owned.push_str("owned");
        }
        answer
    }
}

/// It becomes another function, and answers what that does.
struct ByTailCall(Once);

fn answer_by_tail_call(this: Pin<&mut ByTailCall>, context: &mut Context<'_>) -> Poll<String> {
    Pin::new(&mut this.get_mut().0).answer(context)
}

impl Future for ByTailCall {
    type Output = String;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<String> {
        become answer_by_tail_call(self, context)
    }
}

/// It becomes another function on one way only.
struct ByTailCallOnOneWay(Once);

fn answer_on_one_way(
    this: Pin<&mut ByTailCallOnOneWay>,
    context: &mut Context<'_>,
) -> Poll<String> {
    Pin::new(&mut this.get_mut().0).answer(context)
}

impl Future for ByTailCallOnOneWay {
    type Output = String;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<String> {
        if !self.0.has_waited {
            become answer_on_one_way(self, context)
        }
        Poll::Ready("owned".to_owned())
    }
}

/// What its body says is not what runs.
#[cfg(target_arch = "x86_64")]
mod naked {
    use super::*;

    pub struct ByAssembly(pub u32);

    #[inline(never)]
    fn answer(mut this: Pin<&mut ByAssembly>, _: &mut Context<'_>) -> Poll<&'static str> {
        this.0 += 1;
        if this.0 > 1 { Poll::Ready("ready") } else { Poll::Pending }
    }

    impl Future for ByAssembly {
        type Output = &'static str;

        #[unsafe(naked)]
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<&'static str> {
            core::arch::naked_asm!("jmp {}", sym answer)
        }
    }
}

/// Both an await of a known type, and one of a type that only an instance tells.
macro_rules! check {
    ($future:expr, $output:expr) => {
        let known = async {
            let owned = $future.await;
            (owned, 1)
        };
        assert_eq!(complete(pin!(known), 1), ($output, 1));
        assert_eq!(complete(pin!(generic($future)), 1), ($output, 2));
    };
}

async fn generic<F: Future>(future: F) -> (F::Output, u8) {
    (future.await, 2)
}

fn main() {
    let owned = || "owned".to_owned();
    check!(Once::new(), owned());
    check!(ByMethod(Once::new()), owned());
    check!(ByFunction(Once::new()), owned());
    check!(ByPointer(Once::new()), owned());
    check!(ByClosure(Once::new()), owned());
    check!(ByLocal(Once::new()), owned());
    check!(ByMap(Once::new()), "owned!".to_owned());
    check!(ByMatch(Once::new()), owned());
    check!(ByOneArm(Once::new()), owned());
    check!(ByEarlyReturn(Once::new()), owned());
    check!(ByReady(Once::new()), owned());
    check!(ByBreak(Once::new()), owned());
    check!(ByLoop(Once::new()), owned());
    check!(ByQuestionMark(Once::new()), Ok(owned()));
    check!(ByQuestionMarkAndReady(Once::new()), Ok(owned()));
    check!(ByVariable(Once::new()), owned());
    check!(ByTailCall(Once::new()), owned());
    check!(ByTailCallOnOneWay(Once::new()), owned());
    #[cfg(target_arch = "x86_64")]
    {
        check!(naked::ByAssembly(0), "ready");
    }
}
