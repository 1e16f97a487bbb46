// As `deep-proofs.rs`, with the types and traits of another crate. About these, short proofs are
// looked for before an instance is inlined.

//@ build-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no-at-all-levels -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: proofs.rs

// What others may inline is optimized in a library, whether it is used or not.
#![crate_type = "lib"]

extern crate proofs;

use std::future::pending;
use std::marker::PhantomData;

use proofs::{A19, Choice, Go, Layer, Wrap, choice, number_of_choice};

macro_rules! chain {
    ($($name:ident: $awaited:ident),*) => {
        $(pub async fn $name<T: A19>() -> usize {
            $awaited::<Layer<T>>().await
        })*
    };
}

/// To find the method that is called takes a proof.
pub mod waits {
    use super::*;

    async fn f0<T: A19>() -> usize {
        let number = Wrap::<T>(PhantomData).go();
        pending::<()>().await;
        number
    }
    chain!(f1: f0, f2: f1, f3: f2, f4: f3, f5: f4, f6: f5, f7: f6, f8: f7, f9: f8);
}

/// So does the layout of a type, of which only the variant is read.
pub mod laid_out {
    use super::*;

    async fn f0<T: A19>() -> usize {
        let number = match choice::<T>() {
            Choice::Some(_) => 1,
            Choice::None => 2,
        };
        pending::<()>().await;
        number
    }
    chain!(f1: f0, f2: f1, f3: f2, f4: f3, f5: f4, f6: f5, f7: f6, f8: f7, f9: f8);
}

/// It may be read by a function of another crate, which is inlined.
pub mod foreign {
    use super::*;

    async fn f0<T: A19>() -> usize {
        pending::<()>().await;
        number_of_choice::<T>()
    }
    chain!(f1: f0, f2: f1, f3: f2, f4: f3, f5: f4, f6: f5, f7: f6, f8: f7, f9: f8);
}
