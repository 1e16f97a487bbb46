// What is inlined into the body of a future may ask for the layout of that same future, or of one
// whose body is inlined into in turn: to box it, to measure it, to look into an `Option` of it. The
// layout is there before the body is optimized.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o2 no_o3 no_oz no_always
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes -Copt-level=3
//@[no_o2] compile-flags: -Zasync-returned-panic=no -Copt-level=2
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z -Zinline-mir
//@[no_always] compile-flags: -Zasync-returned-panic=no -Copt-level=3 -Zinline-mir-threshold=1000
//@[no_always] compile-flags: -Zinline-mir-hint-threshold=1000 -Zmir-opt-level=4

use std::mem::{self, MaybeUninit};
use std::pin::{Pin, pin};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

async fn boxed(n: u32) -> u32 {
    if n == 0 { 0 } else { Box::pin(boxed(n - 1)).await + 1 }
}

async fn counted(n: u32) -> u32 {
    let inner = (n > 0).then(|| (Rc::new(counted(n - 1)), Arc::new(counted(n - 1))));
    inner.map_or(0, |(rc, _)| Rc::strong_count(&rc) as u32)
}

/// The bytes of the future that it is itself, from two sides.
async fn measured(n: u32) -> [usize; 2] {
    let Some(n) = n.checked_sub(1) else { return [0; 2] };
    let (size, inner) = {
        let inner = measured(n);
        (mem::size_of_val(&inner), Box::pin(inner))
    };
    assert_eq!(size, mem::size_of_val(&*inner));
    inner.await;
    [size, mem::align_of_val(&measured(n))]
}

async fn optional(n: u32) -> u32 {
    let next = {
        let mut next = n.checked_sub(1).map(optional);
        let taken = next.take();
        assert!(next.replace(optional(0)).is_none());
        taken.map(Box::pin)
    };
    match next {
        Some(next) => next.await + 1,
        None => 0,
    }
}

async fn fallible(n: u32) -> Result<u32, u32> {
    let next = n.checked_sub(1).ok_or(n).map(fallible).map(Box::pin);
    match next {
        Ok(next) => {
            Ok(next.await.or_else(|error| if error == 0 { Ok(0) } else { Err(error) })? + 1)
        }
        Err(error) => Err(error)?,
    }
}

async fn listed(n: u32) -> u32 {
    let inner = {
        let mut list = Vec::new();
        list.extend((0..n).map(listed));
        list.pop().map(Box::pin)
    };
    let Some(inner) = inner else { return 0 };
    inner.await + 1
}

/// Drops itself in a place where it was made.
async fn dropped_in_place(n: u32) -> u32 {
    if n > 0 {
        let mut slot = MaybeUninit::new(dropped_in_place(n - 1));
        // SAFETY: there is a future in it, which nobody uses thereafter.
        unsafe { slot.assume_init_drop() };
        let mut slot = MaybeUninit::new(dropped_in_place(n - 1));
        // SAFETY: as above.
        unsafe { ptr::drop_in_place(slot.as_mut_ptr()) };
    }
    n
}

async fn swapped(n: u32) -> u32 {
    if n == 0 {
        return 0;
    }
    let inner = {
        let (mut one, mut other) = (swapped(n - 1), swapped(0));
        mem::swap(&mut one, &mut other);
        drop(mem::replace(&mut one, swapped(1)));
        Box::pin(other)
    };
    inner.await + 1
}

/// Keeps `pong` in itself, and so has its layout in its own.
async fn ping(n: u32) -> u32 {
    pong(n).await + 1
}

/// Has a `ping` on its stack.
async fn pong(n: u32) -> u32 {
    let next = {
        let mut next = n.checked_sub(1).map(ping);
        mem::take(&mut next).map(|next| Box::pin(next) as Pin<Box<dyn Future<Output = u32>>>)
    };
    match next {
        Some(next) => next.await + 1,
        None => 0,
    }
}

trait Walk {
    async fn walk(&self, n: u32) -> u32;
}

impl Walk for u8 {
    async fn walk(&self, n: u32) -> u32 {
        if n == 0 { (*self).into() } else { walk_on(self, n - 1).await }
    }
}

async fn walk_on<W: Walk + ?Sized>(walk: &W, n: u32) -> u32 {
    Box::pin(walk.walk(n)).await
}

async fn closures(n: u32) -> u32 {
    let text = n.to_string();
    let by_reference = async || text.len() as u32;
    let length = by_reference().await;
    let by_value = async move |more: u32| {
        let sizes = Some(text).map(|text| (mem::size_of_val(&closures(more)), text));
        sizes.map_or(0, |(_, text)| text.len() as u32)
    };
    length + consume(by_value).await
}

async fn consume(f: impl AsyncFnOnce(u32) -> u32) -> u32 {
    let f = Some(f).take().expect("it is there");
    f(1).await
}

/// Nothing here waits.
fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

fn main() {
    assert_eq!(run(boxed(5)), 5);
    assert_eq!(run(counted(3)), 1);
    let [size, align] = run(measured(3));
    assert!(size > 0 && align > 0);
    assert_eq!(run(optional(4)), 4);
    assert_eq!(run(fallible(4)), Ok(4));
    assert_eq!(run(listed(4)), 4);
    assert_eq!(run(dropped_in_place(2)), 2);
    assert_eq!(run(swapped(3)), 3);
    assert_eq!(run(ping(2)), 5);
    assert_eq!(run(7_u8.walk(3)), 7);
    assert_eq!(run(closures(12345)), 10);
}
