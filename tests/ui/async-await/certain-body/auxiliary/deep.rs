// Types that nest deep, and functions that go deeper with each call. They are not optimized here,
// so no proof about an instance of them is attempted before they are inlined elsewhere.

//@ edition: 2024
//@ compile-flags: -Copt-level=0

use std::marker::PhantomData;

pub trait Deep {}

pub struct Layer<T>(PhantomData<T>);

impl<T: Deep> Deep for Layer<T> {}

impl Deep for u8 {}

pub type Layers<T> = Layer<Layer<Layer<Layer<Layer<Layer<Layer<Layer<Layer<Layer<T>>>>>>>>>>;

pub trait Go {
    fn go(&self) -> usize;
}

pub struct Wrap<T>(pub PhantomData<T>);

impl<T: Deep> Go for Wrap<T> {
    fn go(&self) -> usize {
        6
    }
}

#[inline]
fn first<T: Deep>() -> usize {
    Wrap::<T>(PhantomData).go()
}

#[inline]
fn second<T: Deep>() -> usize {
    first::<Layers<T>>()
}

#[inline]
fn third<T: Deep>() -> usize {
    second::<Layers<T>>()
}

#[inline]
fn fourth<T: Deep>() -> usize {
    third::<Layers<T>>()
}

#[inline]
pub fn fifth<T: Deep>() -> usize {
    fourth::<Layers<T>>()
}
