//@ edition: 2024
//@ compile-flags: -Copt-level=3

#![crate_type = "lib"]

#[inline]
pub fn called<const LENGTH: usize>() -> usize {
    const { assert!(LENGTH > 4, "called is too short") }
    LENGTH
}

pub fn make<T>() -> impl Future<Output = usize> {
    const { assert!(size_of::<T>() > 4, "made is too short") };
    async { 5 }
}
