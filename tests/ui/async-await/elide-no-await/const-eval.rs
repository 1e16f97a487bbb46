// A future without a state can be made, kept, copied bit by bit and measured at compile time, and
// polled when the program runs.

//@ run-pass
//@ edition: 2024
//@ revisions: yes_o0 yes_o3 no_o0 no_o1 no_o3
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Zextra-const-ub-checks
//@[yes_o0] compile-flags: -Zasync-returned-panic=yes -Copt-level=0
//@[yes_o3] compile-flags: -Zasync-returned-panic=yes -Copt-level=3
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![feature(const_async_blocks, type_alias_impl_trait)]

extern crate polling;

use std::mem::{ManuallyDrop, MaybeUninit};
use std::pin::pin;
use std::sync::Mutex;

use polling::{complete, step};

type Five = impl Future<Output = u32> + Send;
type Captures = impl Future<Output = (u8, u32)> + Send;
type Waits = impl Future<Output = char> + Send;

/// Each use of a constant is a future of its own.
#[define_opaque(Five)]
const FIVE: ManuallyDrop<Five> = ManuallyDrop::new(async { 5 });

#[define_opaque(Captures)]
const fn captures(a: u8, b: u32) -> Captures {
    async move { (a, b) }
}

#[define_opaque(Waits)]
const fn waits(output: char) -> Waits {
    async move {
        async {}.await;
        step("waits", 1).await;
        output
    }
}

static MADE: Mutex<Option<Captures>> = Mutex::new(Some(captures(1, 2)));
static TABLE: Mutex<[Option<Captures>; 3]> =
    Mutex::new([Some(captures(3, 4)), None, Some(captures(5, 6))]);
static UNINIT: Mutex<MaybeUninit<Captures>> = Mutex::new(MaybeUninit::uninit());
static WAITS: Mutex<Option<Waits>> = Mutex::new(Some(waits('w')));
static UNUSED: &(dyn Future<Output = u8> + Sync) = &async { 7 };

const SIZES: [usize; 4] =
    [size_of::<Five>(), size_of::<Captures>(), size_of::<Waits>(), size_of_val(UNUSED)];

fn main() {
    let sizes = [
        size_of_val(&*FIVE),
        size_of_val(&captures(1, 2)),
        size_of_val(&waits('w')),
        size_of_val(UNUSED),
    ];
    assert_eq!(sizes, SIZES);
    if cfg!(any(no_o1, no_o3)) {
        assert_eq!(SIZES[0], 0);
        assert_eq!(SIZES[1], size_of::<(u8, u32)>());
        assert_eq!(SIZES[3], 0);
    }

    for _ in 0..2 {
        assert_eq!(complete(pin!(ManuallyDrop::into_inner(FIVE)), 0), 5);
    }

    let made = MADE.lock().unwrap().take().unwrap();
    assert_eq!(complete(pin!(made), 0), (1, 2));
    let table = std::mem::take(&mut *TABLE.lock().unwrap());
    let outputs = table.map(|future| future.map(|future| complete(pin!(future), 0)));
    assert_eq!(outputs, [Some((3, 4)), None, Some((5, 6))]);
    let mut uninit = UNINIT.lock().unwrap();
    uninit.write(captures(7, 8));
    let written = std::mem::replace(&mut *uninit, MaybeUninit::uninit());
    assert_eq!(complete(pin!(unsafe { written.assume_init() }), 0), (7, 8));
    let waits = WAITS.lock().unwrap().take().unwrap();
    assert_eq!(complete(pin!(waits), 1), 'w');
}
