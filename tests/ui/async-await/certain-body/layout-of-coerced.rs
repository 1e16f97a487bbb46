// To coerce a value to a trait object takes a proof that its type has the trait, which may need the
// layout of a future: by a where clause, by what an auto trait asks of the fields of a type, or of
// what a coroutine holds. None of that is proved to inline an awaitee. (`layout-of-types.rs` has
// what is normalized. Validation of MIR proves it as well, so it is off here.)

//@ run-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![recursion_limit = "32"]
#![allow(dead_code)]

extern crate polling;

use std::marker::PhantomData;
use std::pin::{Pin, pin};

use polling::{complete, step};

const fn size_of_made<R>(_: fn() -> R) -> usize {
    size_of::<R>()
}

async fn wait() {
    step("", 1).await;
}

trait Make {
    type Made: Marker + Send;
}

trait Marker {}

impl<const N: usize> Marker for [u8; N] {}

trait Go {
    fn go(&self) -> usize;
}

/// The impl has a where clause.
mod where_clause {
    use super::*;

    const SIZE: usize = size_of_made(outer);
    struct Wrap<T>(PhantomData<T>);
    impl<T: Make> Go for Wrap<T>
    where
        T::Made: Marker,
    {
        fn go(&self) -> usize {
            5
        }
    }
    struct Device;
    impl Make for Device {
        type Made = [u8; SIZE];
    }
    async fn inner<M: Make>() -> usize {
        let number = {
            let object: &dyn Go = &Wrap::<M>(PhantomData);
            object.go()
        };
        wait().await;
        number
    }
    pub async fn outer() -> usize {
        inner::<Device>().await
    }
}

/// The fields of a type have to be `Send`.
mod fields {
    use super::*;

    const SIZE: usize = size_of_made(outer);
    struct Wrap<M: Make>(Option<Box<M::Made>>);
    fn make<M: Make>() -> Box<Wrap<M>> {
        Box::new(Wrap(None))
    }
    struct Device;
    impl Make for Device {
        type Made = [u8; SIZE];
    }
    async fn inner<M: Make>() -> usize {
        {
            let _object: Box<dyn Send> = make::<M>();
        }
        wait().await;
        3
    }
    pub async fn outer() -> usize {
        inner::<Device>().await
    }
}

/// What a boxed future holds has to be `Send`.
mod boxed {
    use super::*;

    const SIZE: usize = size_of_made(outer);
    struct Device;
    impl Make for Device {
        type Made = [u8; SIZE];
    }
    async fn leaf<M: Make>() -> usize {
        let made: Option<Box<M::Made>> = None;
        wait().await;
        made.is_none() as usize
    }
    async fn inner<M: Make>() -> usize {
        let boxed: Pin<Box<dyn Future<Output = usize> + Send>> = Box::pin(leaf::<M>());
        boxed.await
    }
    pub async fn outer() -> usize {
        inner::<Device>().await
    }
}

/// Each function proves a little; an instance of the last, which nobody has, would prove it all.
mod deep {
    use super::*;

    trait Deep {}
    struct Layer<T>(PhantomData<T>);
    impl<T: Deep> Deep for Layer<T> {}
    impl Deep for u8 {}
    struct Wrap<T>(PhantomData<T>);
    impl<T: Deep> Go for Wrap<T> {
        fn go(&self) -> usize {
            6
        }
    }
    type Layers<T> = Layer<Layer<Layer<Layer<Layer<Layer<Layer<Layer<Layer<Layer<T>>>>>>>>>>;
    async fn first<T: Deep>() -> usize {
        let number = {
            let object: &dyn Go = &Wrap::<T>(PhantomData);
            object.go()
        };
        wait().await;
        number
    }
    async fn second<T: Deep>() -> usize {
        first::<Layers<T>>().await
    }
    #[allow(private_bounds)]
    pub async fn third<T: Deep>() -> usize {
        second::<Layers<T>>().await
    }
    async fn fourth<T: Deep>() -> usize {
        third::<Layers<T>>().await
    }
    async fn fifth<T: Deep>() -> usize {
        fourth::<Layers<T>>().await
    }
}

fn main() {
    assert_eq!(complete(pin!(where_clause::outer()), 1), 5);
    assert_eq!(complete(pin!(fields::outer()), 1), 3);
    assert_eq!(complete(pin!(boxed::outer()), 1), 1);
    assert_eq!(complete(pin!(deep::third::<u8>()), 1), 6);
}
