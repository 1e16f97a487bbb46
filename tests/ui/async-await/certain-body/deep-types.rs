// Generic functions that are inlined one in the other do not lead to a proof that is too deep for
// the recursion limit. Each proves a little, and an instance of the last would have to prove it
// all. Nobody has that instance.

//@ build-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no-at-all-levels -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: deep.rs

// What others may inline is optimized in a library, whether it is used or not.
#![crate_type = "lib"]
#![recursion_limit = "32"]

extern crate deep;

use std::marker::PhantomData;
use std::pin::pin;
use std::task::{Context, Waker};

use deep::{Deep, Go, Layers, Wrap};

macro_rules! chain {
    ($($name:ident: $awaited:ident),*) => {
        $(pub async fn $name<T: Deep>() -> usize {
            $awaited::<Layers<T>>().await
        })*
    };
}

/// To coerce a value to a trait object takes a proof.
pub mod coerced {
    use super::*;

    async fn first<T: Deep>() -> usize {
        let number = {
            let object: &dyn Go = &Wrap::<T>(PhantomData);
            object.go()
        };
        std::future::pending::<()>().await;
        number
    }
    chain!(second: first, third: second, fourth: third, fifth: fourth);
}

/// To find the method that is called takes one, too.
pub mod resolved {
    use super::*;

    async fn first<T: Deep>() -> usize {
        let number = Wrap::<T>(PhantomData).go();
        std::future::pending::<()>().await;
        number
    }
    chain!(second: first, third: second, fourth: third, fifth: fourth);
}

/// And so does what is inlined from another crate.
pub mod foreign {
    use super::*;

    pub async fn waits<T: Deep>() -> usize {
        std::future::pending::<()>().await;
        deep::fifth::<T>()
    }
}

/// A future that never waits is plain code, which may be inlined into a function.
pub mod function {
    use super::*;

    async fn first<T: Deep>() -> usize {
        let object: &dyn Go = &Wrap::<T>(PhantomData);
        object.go()
    }
    chain!(second: first, third: second, fourth: third, fifth: fourth);

    pub fn poll<T: Deep>() -> bool {
        let future = pin!(fifth::<T>());
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }
}
