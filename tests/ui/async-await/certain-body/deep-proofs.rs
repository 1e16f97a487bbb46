// Types need not nest deep for a proof that exceeds the recursion limit: each layer of them may
// take many steps. Nobody has the instances here, and nothing is asked about their types that takes
// such a proof. (`deep-types.rs` has types that nest deep.)

//@ build-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no-at-all-levels -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z

// What others may inline is optimized in a library, whether it is used or not.
#![crate_type = "lib"]
#![allow(private_bounds)]

use std::marker::PhantomData;

/// Each of these traits follows from the next.
macro_rules! each_from_next {
    ($first:ident $second:ident $($rest:ident)*) => {
        trait $first {}
        impl<T: $second> $first for T {}
        each_from_next!($second $($rest)*);
    };
    ($last:ident) => {
        trait $last {}
    };
}

each_from_next!(A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16 A17 A18 A19);

pub struct Layer<T>(PhantomData<T>);

impl<T: A0> A19 for Layer<T> {}

struct Wrap<T>(PhantomData<T>);

trait Go {
    fn go(&self) -> usize;
}

impl<T: A0> Go for Wrap<T> {
    fn go(&self) -> usize {
        5
    }
}

macro_rules! chain {
    ($($name:ident: $awaited:ident),*) => {
        $(pub async fn $name<T: A19>() -> usize {
            $awaited::<Layer<T>>().await
        })*
    };
}

pub mod waits {
    use super::*;

    async fn f0<T: A19>() -> usize {
        let number = Wrap::<T>(PhantomData).go();
        std::future::pending::<()>().await;
        number
    }
    chain!(f1: f0, f2: f1, f3: f2, f4: f3, f5: f4, f6: f5, f7: f6, f8: f7, f9: f8);
}

/// A future that never waits is plain code.
pub mod never_waits {
    use super::*;

    async fn f0<T: A19>() -> usize {
        Wrap::<T>(PhantomData).go()
    }
    chain!(f1: f0, f2: f1, f3: f2, f4: f3, f5: f4, f6: f5, f7: f6, f8: f7, f9: f8);
}

/// The layout of a type takes a proof, too, even if only the variant is read.
pub mod laid_out {
    use super::*;

    trait Has {
        type Field;
    }

    impl<T: A0> Has for T {
        type Field = u8;
    }

    enum Choice<T: Has> {
        Some(T::Field),
        None,
    }

    #[inline(never)]
    fn choice<'a, T: A0 + 'a>() -> &'a Choice<T> {
        std::hint::black_box(None).unwrap_or(&Choice::None)
    }

    async fn f0<T: A19>() -> usize {
        let number = match choice::<T>() {
            Choice::Some(_) => 1,
            Choice::None => 2,
        };
        std::future::pending::<()>().await;
        number
    }
    chain!(f1: f0, f2: f1, f3: f2, f4: f3, f5: f4, f6: f5, f7: f6, f8: f7, f9: f8);
}
