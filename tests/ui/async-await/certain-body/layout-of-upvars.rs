// Whether an upvar of what is inlined has anything to drop is asked without a proof that it is
// `Copy`: that may take the layout of the future that is being made.

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

extern crate polling;

use std::marker::PhantomData;
use std::pin::pin;

use polling::{complete, step};

const fn size_of_made<R>(_: fn() -> R) -> usize {
    size_of::<R>()
}

const SIZE: usize = size_of_made(waits) + size_of_made(never_waits);

trait Small {}

impl Small for [u8; SIZE] {}

trait Device {
    type Buffer;
}

struct Sensor;

impl Device for Sensor {
    type Buffer = [u8; SIZE];
}

struct Handle<T>(u32, PhantomData<T>);

impl<T: Device> Clone for Handle<T>
where
    T::Buffer: Small,
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Device> Copy for Handle<T> where T::Buffer: Small {}

fn size_of_value<T>(_: &T) -> usize {
    size_of::<T>()
}

fn uses_behind<H>(handle: H) -> impl Future<Output = usize> {
    async move {
        step("waits", 1).await;
        size_of_value(&handle)
    }
}

fn uses_before<H>(handle: H) -> impl Future<Output = usize> {
    async move { size_of_value(&handle) }
}

fn waiting<T>() -> impl Future<Output = usize> {
    uses_behind(Handle::<T>(1, PhantomData))
}

fn not_waiting<T>() -> impl Future<Output = usize> {
    uses_before(Handle::<T>(2, PhantomData))
}

async fn waits() -> usize {
    waiting::<Sensor>().await
}

async fn never_waits() -> usize {
    not_waiting::<Sensor>().await
}

fn main() {
    assert_eq!(complete(pin!(waits()), 1), 4);
    assert_eq!(complete(pin!(never_waits()), 0), 4);
    let handle = Handle::<Sensor>(3, PhantomData);
    let copy = handle;
    assert_eq!(handle.0 + copy.clone().0, 6);
    assert!(SIZE > 0);
}
