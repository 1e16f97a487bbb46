// A body may compute what must not be there twice, from nothing or from plain bits: an owner from
// a raw pointer, a token that only its module can make, an `FnOnce`. Whoever is given it relies on
// being the only one, and the body on running once. So it is not run again on a second poll.

//@ run-pass
//@ edition: 2024
//@ revisions: no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no
//@[no_o0] compile-flags: -Copt-level=0
//@[no_o1] compile-flags: -Copt-level=1
//@[no_o3] compile-flags: -Copt-level=3
//@[no_oz] compile-flags: -Copt-level=z
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate polling;

use std::pin::pin;
use std::task::Poll;

use polling::{FOREVER, complete, poll_once};

/// `future` gives its output once. A second one is not dropped, for that would be too late to tell.
#[track_caller]
fn check<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let output = complete(future.as_mut(), 0);
    for nth in 0..FOREVER {
        if let Poll::Ready(second) = poll_once(future.as_mut()) {
            std::mem::forget(second);
            panic!("poll {nth} gives another");
        }
    }
    output
}

/// Hands out a number that it owns, as whoever makes one of these promises.
mod owner {
    pub struct Owner(*mut u32);

    impl Drop for Owner {
        fn drop(&mut self) {
            drop(unsafe { Box::from_raw(self.0) });
        }
    }

    pub fn by_aggregate(number: u32) -> impl Future<Output = Owner> {
        let pointer = Box::into_raw(Box::new(number));
        async move { Owner(pointer) }
    }

    pub fn inside_others(number: u32) -> impl Future<Output = Result<(u8, [Owner; 1]), ()>> {
        let pointer = Box::into_raw(Box::new(number));
        async move { Ok((1, [Owner(pointer)])) }
    }

    pub fn by_transmute(number: u32) -> impl Future<Output = Box<u32>> {
        let pointer = Box::into_raw(Box::new(number));
        async move { unsafe { std::mem::transmute::<*mut u32, Box<u32>>(pointer) } }
    }

    pub fn by_union(number: u32) -> impl Future<Output = Option<Box<u32>>> {
        union Either {
            pointer: *mut u32,
            owner: std::mem::ManuallyDrop<Option<Box<u32>>>,
        }
        let pointer = Box::into_raw(Box::new(number));
        async move {
            let either = Either { pointer };
            std::mem::ManuallyDrop::into_inner(unsafe { either.owner })
        }
    }
}

/// There is one token, so whoever has it may write to what it stands for.
mod token {
    use std::sync::atomic::{AtomicBool, Ordering};

    pub struct Token(());

    const TOKEN: Token = Token(());

    impl Token {
        pub fn number(&mut self) -> &mut u32 {
            static mut NUMBER: u32 = 0;
            unsafe { &mut *(&raw mut NUMBER) }
        }
    }

    pub fn once() -> impl Future<Output = Token> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        assert!(!TAKEN.swap(true, Ordering::Relaxed));
        async { Token(()) }
    }

    pub fn once_by_constant() -> impl Future<Output = Token> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        assert!(!TAKEN.swap(true, Ordering::Relaxed));
        async { TOKEN }
    }
}

/// What is opaque can not be copied, whatever it is.
mod opaque {
    pub trait Once {
        fn free(self);
    }

    #[derive(Clone, Copy)]
    struct Handle(*mut u32);

    impl Once for Handle {
        fn free(self) {
            drop(unsafe { Box::from_raw(self.0) });
        }
    }

    pub fn handle() -> impl Future<Output = impl Once> {
        let handle = Handle(Box::into_raw(Box::new(1)));
        async move { handle }
    }

    pub fn closure() -> impl Future<Output = impl FnOnce()> {
        let pointer = Box::into_raw(Box::new(1));
        async move { move || drop(unsafe { Box::from_raw(pointer) }) }
    }

    pub fn future() -> impl Future<Output = impl Future<Output = ()>> {
        let pointer = Box::into_raw(Box::new(1));
        async move { async move { drop(unsafe { Box::from_raw(pointer) }) } }
    }
}

fn main() {
    check(owner::by_aggregate(1));
    check(owner::inside_others(1)).unwrap();
    assert_eq!(*check(owner::by_transmute(1)), 1);
    assert_eq!(check(owner::by_union(1)).as_deref(), Some(&1));

    *check(token::once()).number() += 1;
    *check(token::once_by_constant()).number() += 1;

    opaque::Once::free(check(opaque::handle()));
    check(opaque::closure())();
    complete(pin!(check(opaque::future())), 0);
}
