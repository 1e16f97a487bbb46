// A value may be the only one of its kind by who holds it, whatever its type is: a pointer of which
// a `Box` is made by whoever gets it, a function that nobody else can name, an address. A future
// gives it once, and so may who wraps the future rely on. So a body is run again only if it
// computes its answer from constants that are numbers. Here is how each of the others is used up.
//
// `one-of-a-kind.rs` is about values that are so by their type.

//@ run-pass
//@ edition: 2024
//@ revisions: no_o0 no_o1 no_o3 no_oz abort_o3
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zasync-returned-panic=no
//@[no_o0] compile-flags: -Copt-level=0
//@[no_o1] compile-flags: -Copt-level=1
//@[no_o3] compile-flags: -Copt-level=3
//@[no_oz] compile-flags: -Copt-level=z
//@[abort_o3] compile-flags: -Copt-level=3 -Cpanic=abort
//@ no-prefer-dynamic
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate polling;

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use polling::{FOREVER, complete, poll_once};

/// `future` gives its output once.
#[track_caller]
fn check<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let output = complete(future.as_mut(), 0);
    for nth in 0..FOREVER {
        assert!(poll_once(future.as_mut()).is_pending(), "poll {nth} gives another");
    }
    output
}

/// Makes what it gives of what the future in it gives.
struct Map<T, U> {
    inner: Pin<Box<dyn Future<Output = T>>>,
    make: fn(T) -> U,
}

impl<T, U> Future for Map<T, U> {
    type Output = U;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<U> {
        let make = self.make;
        self.inner.as_mut().poll(context).map(make)
    }
}

fn leak(text: &str) -> *mut String {
    Box::into_raw(Box::new(text.to_owned()))
}

fn captures() {
    let pointer = leak("by pointer");
    let owned = check(Map {
        inner: Box::pin(async move { pointer }),
        make: |pointer| unsafe { Box::from_raw(pointer) },
    });
    assert_eq!(*owned, "by pointer");

    let address = leak("by address").expose_provenance();
    let owned: Box<String> = check(Map {
        inner: Box::pin(async move { address }),
        make: |address| unsafe { Box::from_raw(std::ptr::with_exposed_provenance_mut(address)) },
    });
    assert_eq!(*owned, "by address");

    async fn in_parts(low: u32, high: u32) -> u64 {
        (high as u64) << 32 | low as u64
    }
    let address = leak("in parts").expose_provenance() as u64;
    let owned: Box<String> = check(Map {
        inner: Box::pin(in_parts(address as u32, (address >> 32) as u32)),
        make: |address| unsafe {
            Box::from_raw(std::ptr::with_exposed_provenance_mut(address as usize))
        },
    });
    assert_eq!(*owned, "in parts");

    // An index, of which there is one as well.
    let index = black_box(1_usize);
    assert_eq!(check(async move { index }), 1);
    assert_eq!(check(async move { Some((index as u8, true)) }), Some((1, true)));
    assert_eq!(check(async move { if index > 0 { 'a' } else { 'b' } }), 'a');
    assert_eq!(check(async move { [5; 3][index] }), 5);
    // Not even what it tells by being read.
    let reference: &'static usize = Box::leak(Box::new(index));
    assert_eq!(check(async move { *reference }), 1);
    assert_eq!(check(async move { *reference > 0 }), true);
}

/// What is redeemed once. Nobody outside can make one, or name the only implementor.
mod ticket {
    struct Secret(u32);

    pub trait Ticket {
        fn redeem(self) -> u32;
    }

    #[allow(private_interfaces)]
    impl Ticket for *mut Secret {
        fn redeem(self) -> u32 {
            unsafe { Box::from_raw(self) }.0
        }
    }

    pub fn sell(number: u32) -> impl Future<Output = impl Ticket> {
        let secret = Box::into_raw(Box::new(Secret(number)));
        async move { secret }
    }
}

/// A place that is lent to one at a time, by what none but the holder has the address of.
mod lent {
    static mut PLACE: String = String::new();
    static KEYS: [u8; 3] = [0; 3];

    fn take<'a>() -> &'a mut String {
        unsafe { &mut *&raw mut PLACE }
    }

    pub fn by_function<'a>(
        _: &'a mut (),
    ) -> impl Future<Output = impl FnOnce() -> &'a mut String + use<'a>> + use<'a> {
        async { take as fn() -> &'a mut String }
    }

    pub fn by_item<'a>(
        _: &'a mut (),
    ) -> impl Future<Output = impl FnOnce() -> &'a mut String + use<'a>> + use<'a> {
        async { take }
    }

    pub fn by_reference() -> impl Future<Output = &'static u8> {
        async { &KEYS[1] }
    }

    pub fn by_pointer() -> impl Future<Output = *const u8> {
        async { &raw const KEYS[2] }
    }

    pub fn by_text() -> impl Future<Output = &'static str> {
        async { "key" }
    }

    pub fn by_comparison() -> impl Future<Output = bool> {
        async { (&raw const KEYS[1]).addr() < (&raw const PLACE).addr() }
    }

    pub fn by_address() -> impl Future<Output = usize> {
        async { take as fn() -> &'static mut String as usize & 0xff }
    }
}

/// Numbers that are computed from constants may be had twice, and need no state.
fn constants() {
    #[track_caller]
    fn check<T: PartialEq + std::fmt::Debug>(future: impl Future<Output = T>, output: T) {
        if cfg!(no_o0) {
            return;
        }
        assert_eq!(size_of_val(&future), 0);
        let mut future = pin!(future);
        for _ in 0..FOREVER {
            assert_eq!(complete(future.as_mut(), 0), output);
        }
    }
    check(async { 5 }, 5);
    check(async { Ok::<_, std::convert::Infallible>((1_u8, Some('a'))) }, Ok((1, Some('a'))));
}

fn main() {
    captures();
    constants();
    assert_eq!(ticket::Ticket::redeem(check(ticket::sell(7))), 7);
    check(lent::by_function(&mut ()))().push('a');
    check(lent::by_item(&mut ()))().push('a');
    assert_eq!(*check(lent::by_reference()), 0);
    assert!(!check(lent::by_pointer()).is_null());
    assert_eq!(check(lent::by_text()), "key");
    check(lent::by_comparison());
    check(lent::by_address());
}
