//! The futures that programs are made of.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::*;

/// A future that is pending as often as it says, and then gives a number.
pub struct Leaf {
    pending: u32,
    number: u32,
}

/// A future that is pending so often, and then gives the number.
#[inline(never)]
pub fn leaf(pending: u32, number: u32) -> Leaf {
    Leaf { pending, number }
}

impl Future for Leaf {
    type Output = u32;

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        polled(self.pending, context);
        match self.pending {
            0 => Poll::Ready(self.number),
            _ => {
                self.pending -= 1;
                Poll::Pending
            }
        }
    }
}

/// A future that has no state of its own: every other poll of such a future is pending.
pub struct Turn;

impl Future for Turn {
    type Output = u32;

    #[inline(never)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let turns = with(|state| {
            state.turns += 1;
            state.turns
        });
        polled(turns, context);
        if turns % 2 == 0 { Poll::Ready(2) } else { Poll::Pending }
    }
}

/// Tells that a leaf is polled, and who is to be woken.
#[inline(never)]
pub fn polled(pending: u32, context: &Context<'_>) {
    event(Kind::Polled, pending.into(), context.waker().data() as u64);
}

/// A future that is behind a pointer, as all those of combinators are. A combinator takes it out
/// while it polls it: once it is done, or has panicked, the combinator itself has nothing left to
/// do, and is pending, whatever the future would say.
pub(super) type Erased<'a> = Pin<Box<dyn Future<Output = u32> + 'a>>;

/// Gives what the first of two futures gives, and drops the other.
pub struct Select<'a>(Option<(Erased<'a>, Erased<'a>)>);

/// See [`Select`].
pub fn select<'a>(
    first: impl Future<Output = u32> + 'a,
    second: impl Future<Output = u32> + 'a,
) -> Select<'a> {
    Select(Some((Box::pin(first), Box::pin(second))))
}

impl Future for Select<'_> {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let Some((mut first, mut second)) = self.0.take() else { return Poll::Pending };
        let mut answer = first.as_mut().poll(context);
        if answer.is_pending() {
            answer = second.as_mut().poll(context);
        }
        if answer.is_ready() {
            note(Kind::LetGo, 0, 0);
        } else {
            self.0 = Some((first, second));
        }
        answer
    }
}

/// Gives the sum of what two futures give.
pub struct Join<'a>(Option<Erased<'a>>, Option<Erased<'a>>, u32);

/// See [`Join`].
pub fn join<'a>(
    first: impl Future<Output = u32> + 'a,
    second: impl Future<Output = u32> + 'a,
) -> Join<'a> {
    Join(Some(Box::pin(first)), Some(Box::pin(second)), 0)
}

impl Future for Join<'_> {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let Join(first, second, sum) = &mut *self;
        let is_over = first.is_none() && second.is_none();
        for side in [first, second] {
            let Some(mut future) = side.take() else { continue };
            match future.as_mut().poll(context) {
                Poll::Pending => *side = Some(future),
                Poll::Ready(number) => {
                    note(Kind::LetGo, 0, 0);
                    *sum = sum.wrapping_add(number);
                }
            }
        }
        let is_done = self.0.is_none() && self.1.is_none();
        if is_done && !is_over { Poll::Ready(self.2) } else { Poll::Pending }
    }
}

/// Gives what a future gives, and polls it again before.
pub struct Again<'a>(Option<Erased<'a>>);

/// See [`Again`].
pub fn again<'a>(future: impl Future<Output = u32> + 'a) -> Again<'a> {
    Again(Some(Box::pin(future)))
}

impl Future for Again<'_> {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let Some(mut future) = self.0.take() else { return Poll::Pending };
        let answer = future.as_mut().poll(context);
        if let Poll::Ready(number) = answer {
            for _ in 0..2 {
                poll_in_vain(Some(number), &mut || future.as_mut().poll(context));
            }
        } else {
            self.0 = Some(future);
        }
        answer
    }
}

/// Gives what a future gives. If it panics, polls it again, drops it, and gives a number.
pub struct Guarded<'a>(Option<Erased<'a>>);

/// See [`Guarded`].
pub fn guarded<'a>(future: impl Future<Output = u32> + 'a) -> Guarded<'a> {
    Guarded(Some(Box::pin(future)))
}

impl Future for Guarded<'_> {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let Some(mut future) = self.0.take() else { return Poll::Pending };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => {
                self.0 = Some(future);
                Poll::Pending
            }
            Ok(answer) => answer,
            Err(panic) => {
                note(Kind::Caught, code_of(&*panic), 0);
                poll_in_vain(None, &mut || future.as_mut().poll(context));
                Poll::Ready(13)
            }
        }
    }
}

/// Polls a future that has nothing left to do: it gave `given`, or it panicked.
///
/// The one event of that is the same for a panic that says so, for `Pending`, and for the value
/// that was given already.
pub(super) fn poll_in_vain<T: Copy + PartialEq + Into<u64>>(
    given: Option<T>,
    poll: &mut dyn FnMut() -> Poll<T>,
) {
    cut();
    change_the_world();
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(Poll::Ready(value)) if given != Some(value) => note(Kind::AgainOther, value.into(), 0),
        Ok(_) => note(Kind::Again, 0, 0),
        Err(panic) if is_resumption(text_of(&*panic)) => note(Kind::Again, 0, 0),
        Err(panic) => note(Kind::AgainPanicked, code_of(&*panic), 0),
    }
}

/// Polls a future again that gave a number.
pub fn in_vain(number: u32, poll: &mut dyn FnMut() -> Poll<u32>) {
    poll_in_vain(Some(number), poll);
}
