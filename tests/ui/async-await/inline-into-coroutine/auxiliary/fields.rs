// Functions without locals, which name a type by a parameter.

//@ edition: 2024
//@ compile-flags: -Copt-level=3

pub trait Has {
    type Field;
}

#[inline(never)]
pub fn size<T>() -> usize {
    size_of::<T>()
}

#[inline]
pub fn size_of_field<T: Has>() -> usize {
    size::<T::Field>()
}
