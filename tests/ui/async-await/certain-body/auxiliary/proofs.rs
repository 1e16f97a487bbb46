// Types of which each layer takes twenty steps to prove something.

//@ edition: 2024
//@ compile-flags: -Copt-level=0

#![allow(private_bounds, private_interfaces)]

use std::hint::black_box;
use std::marker::PhantomData;

/// Each of these traits follows from the next.
macro_rules! each_from_next {
    ($first:ident $second:ident $($rest:ident)*) => {
        pub trait $first {}
        impl<T: $second> $first for T {}
        each_from_next!($second $($rest)*);
    };
    ($last:ident) => {
        pub trait $last {}
    };
}

each_from_next!(A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16 A17 A18 A19);

pub struct Layer<T>(PhantomData<T>);

impl<T: A0> A19 for Layer<T> {}

pub struct Wrap<T>(pub PhantomData<T>);

pub trait Go {
    fn go(&self) -> usize;
}

impl<T: A0> Go for Wrap<T> {
    fn go(&self) -> usize {
        5
    }
}

pub trait Has {
    type Field;
}

impl<T: A0> Has for T {
    type Field = u8;
}

/// To lay this out takes a proof.
pub enum Choice<T: Has> {
    Some(T::Field),
    None,
}

#[inline(never)]
pub fn choice<'a, T: A0 + 'a>() -> &'a Choice<T> {
    black_box(None).unwrap_or(&Choice::None)
}

#[inline]
pub fn number_of_choice<T: A0>() -> usize {
    match choice::<T>() {
        Choice::Some(_) => 1,
        Choice::None => 2,
    }
}
