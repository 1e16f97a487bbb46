// What is asked of a type, an impl or a method may need the layout of a future, just as a body may:
// it has an array in a field that is as large as the future, or is in a where clause with one. None
// of that is asked for the sake of a pass while this layout is made. (`layout-of-awaiting.rs` is
// about bodies.)

//@ run-pass
//@ edition: 2024
//@ revisions: yes_o0 yes_o3 no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes_o0] compile-flags: -Zasync-returned-panic=yes -Copt-level=0
//@[yes_o3] compile-flags: -Zasync-returned-panic=yes -Copt-level=3
//@[no_o0] compile-flags: -Zasync-returned-panic=no -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z
//@ aux-build: ../../returned-panic/auxiliary/polling.rs

#![allow(dead_code)]

extern crate polling;

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use polling::{complete, step};

const fn size_of_made<R>(_: fn() -> R) -> usize {
    size_of::<R>()
}

/// Waits once.
async fn wait() -> usize {
    step("", 1).await;
    9
}

/// Is ready at once, if `T` is what its impl asks for.
macro_rules! ready {
    ($hand:ident where $($bounds:tt)*) => {
        struct $hand<T>(Option<Box<T>>);
        impl<T> Future for $hand<T>
        where
            $($bounds)*
        {
            type Output = usize;
            fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<usize> {
                Poll::Ready(3)
            }
        }
    };
}

/// The impl of an awaited future asks for an auto trait.
mod auto_trait {
    use super::*;

    const SIZE: usize = size_of_made(outer);
    struct Holder {
        buffer: [u8; SIZE],
    }
    ready!(Hand where T: Send);
    trait Make {
        type Made: Future<Output = usize>;
        fn make() -> Self::Made;
    }
    struct Device;
    impl Make for Device {
        type Made = Hand<Holder>;
        fn make() -> Hand<Holder> {
            Hand(None)
        }
    }
    async fn inner<M: Make>() -> usize {
        M::make().await
    }
    pub async fn outer() -> usize {
        inner::<Device>().await
    }
}

/// It asks for a trait that has a condition of its own.
mod where_clause {
    use super::*;

    const SIZE: usize = size_of_made(outer);
    trait Is {}
    impl<const N: usize> Is for [u8; N] {}
    trait Marker {}
    struct Marked;
    impl Marker for Marked where [u8; SIZE]: Is {}
    ready!(Hand where T: Marker);
    trait Make {
        type Made: Future<Output = usize>;
        fn make(&self) -> Self::Made;
    }
    struct Device;
    impl Make for Device {
        type Made = Hand<Marked>;
        fn make(&self) -> Hand<Marked> {
            Hand(None)
        }
    }
    async fn inner<M: Make>(it: M) -> usize {
        it.make().await
    }
    pub async fn outer() -> usize {
        inner(Device).await
    }
}

/// It asks for what a function returns, which is another future of the crate.
mod function {
    use super::*;

    const SIZE: usize = size_of_made(outer);
    trait Start {
        type Started;
    }
    impl<F: FnOnce() -> R, R> Start for F {
        type Started = R;
    }
    ready!(Lazy where T: Start<Started: Future>);
    async fn function() -> usize {
        [0_u8; SIZE].len()
    }
    fn lazy<F>(function: F) -> Lazy<F> {
        Lazy(Some(Box::new(function)))
    }
    pub async fn outer() -> usize {
        lazy(function).await
    }
}

/// A method is written in another way than its trait declares it.
mod signature {
    use super::*;

    const SIZE: usize = size_of_made(outer);
    trait Is {
        type Out;
    }
    impl<const N: usize> Is for [u8; N] {
        type Out = usize;
    }
    struct Hand;
    impl Future for Hand {
        type Output = usize;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<<[u8; SIZE] as Is>::Out> {
            Poll::Ready(3)
        }
    }
    trait Make {
        fn make(&self, number: usize) -> usize;
        async fn made() -> usize;
    }
    struct Device;
    impl Make for Device {
        fn make(&self, number: usize) -> usize
        where
            [u8; SIZE]: Is,
        {
            number
        }
        async fn made() -> usize {
            1
        }
    }
    pub async fn outer() -> usize {
        let mut sum = Hand.await + Device::made().await;
        sum += wait().await + Device.make(2);
        sum = Device.make(sum);
        sum += wait().await + Device.make(2);
        sum = Device.make(sum);
        sum += wait().await + Device.make(2);
        sum
    }
}

/// The instance of an awaited body has a type of that size, or one that takes a proof to know.
mod instance {
    use super::*;

    pub mod projection {
        use super::*;

        const SIZE: usize = size_of_made(outer);
        trait Make {
            type Buffer;
            fn make() -> Self::Buffer;
            fn length(buffer: Self::Buffer) -> usize;
        }
        struct Device;
        impl Make for Device {
            type Buffer = [u8; SIZE];
            fn make() -> [u8; SIZE] {
                [0; SIZE]
            }
            fn length(buffer: [u8; SIZE]) -> usize {
                buffer.len()
            }
        }
        async fn inner<M: Make>() -> bool {
            let length = M::length(M::make());
            wait().await;
            length > 0
        }
        pub async fn outer() -> bool {
            inner::<Device>().await
        }
    }

    pub mod proof {
        use super::*;

        const SIZE: usize = size_of_made(outer);
        struct Holder([u8; SIZE]);
        struct Hand<T>(Option<Box<T>>);
        trait Helper {
            type Out;
            fn out() -> Self::Out;
        }
        impl<T: Send> Helper for Hand<T> {
            type Out = bool;
            fn out() -> bool {
                true
            }
        }
        trait Make {
            type Hand: Helper<Out: Into<bool>>;
        }
        struct Device;
        impl Make for Device {
            type Hand = Hand<Holder>;
        }
        async fn inner<M: Make>() -> bool {
            let out = M::Hand::out();
            let out = out.into();
            wait().await;
            out
        }
        pub async fn outer() -> bool {
            inner::<Device>().await
        }
    }

    /// It awaits one of two opaque types of a function, and not the other.
    pub mod opaque {
        use super::*;

        const SIZE: usize = size_of_made(outer);
        trait Make {
            fn make() -> (impl Future<Output = usize>, impl Sized);
        }
        struct Device;
        impl Make for Device {
            fn make() -> (impl Future<Output = usize>, impl Sized) {
                (async { wait().await }, large())
            }
        }
        fn large() -> impl Sized {
            let buffer = [0_u8; SIZE];
            buffer.len()
        }
        fn touch<T>(_: &T) {}
        async fn inner<M: Make>() -> bool {
            let future = {
                let (future, large) = M::make();
                touch(&large);
                future
            };
            future.await == 9
        }
        pub async fn outer() -> bool {
            inner::<Device>().await
        }
    }

    /// A value of that size is dropped, and is borrowed so.
    pub mod dropped {
        use super::*;

        const SIZE: usize = size_of_made(outer);
        trait Make {
            fn make() -> Self;
        }
        struct Device {
            buffer: [u8; SIZE],
        }
        impl Make for Device {
            fn make() -> Self {
                Device { buffer: [0; SIZE] }
            }
        }
        impl Drop for Device {
            fn drop(&mut self) {
                assert!(self.buffer.len() > 0);
            }
        }
        async fn inner<M: Make>() -> bool {
            {
                let _device = M::make();
            }
            wait().await == 9
        }
        pub async fn outer() -> bool {
            inner::<Device>().await
        }
    }
}

/// What an instance has in its fields says nothing of what was looked up for it: that is in a
/// struct or enum, or in what a bound of a trait says.
mod hidden {
    use super::*;

    mod in_struct {
        use super::*;

        const SIZE: usize = size_of_made(outer);
        trait Is {}
        impl<const N: usize> Is for [u8; N] {}
        trait Named {
            type Name;
        }
        struct Marked;
        impl Named for Marked
        where
            [u8; SIZE]: Is,
        {
            type Name = u8;
        }
        trait Make {
            type Made: Named<Name = u8>;
        }
        struct Device;
        impl Make for Device {
            type Made = Marked;
        }
        struct Holder<M: Make> {
            name: <M::Made as Named>::Name,
            number: u8,
        }
        fn make<M: Make>() -> Option<Box<Holder<M>>> {
            None
        }
        async fn builds<M: Make>() -> usize {
            let number = {
                let holder = Holder::<M> { name: 3, number: 4 };
                size_of_val(&holder)
            };
            wait().await;
            number
        }
        async fn reads<M: Make>() -> usize {
            let number = make::<M>().map_or(8, |holder| holder.name) as usize;
            let other = match make::<M>() {
                Some(holder) => holder.name as usize,
                None => 8,
            };
            wait().await;
            number + other
        }
        pub async fn outer() -> usize {
            builds::<Device>().await + reads::<Device>().await
        }
    }

    mod in_enum {
        use super::*;

        const SIZE: usize = size_of_made(outer);
        struct Large([u8; SIZE]);
        trait Named {
            type Name: Copy;
        }
        struct Hand<T>(std::marker::PhantomData<T>);
        impl<T: Send> Named for Hand<T> {
            type Name = u8;
        }
        trait Make {
            type Made: Named<Name = u8>;
        }
        struct Device;
        impl Make for Device {
            type Made = Hand<Large>;
        }
        enum Choice<M: Make> {
            One(<M::Made as Named>::Name),
            Other,
        }
        async fn inner<M: Make>() -> usize {
            let number = {
                let choice: Option<&Choice<M>> = None;
                match choice {
                    Some(Choice::One(name)) => *name as usize,
                    _ => 9,
                }
            };
            wait().await;
            number
        }
        pub async fn outer() -> usize {
            inner::<Device>().await
        }
    }

    mod in_bound {
        use super::*;

        const SIZE: usize = size_of_made(outer::<Device>);
        trait Make {
            type Items: Iterator<Item = [u8; SIZE]>;
        }
        struct Items;
        impl Iterator for Items {
            type Item = [u8; SIZE];
            fn next(&mut self) -> Option<[u8; SIZE]> {
                None
            }
        }
        pub struct Device;
        impl Make for Device {
            type Items = Items;
        }
        async fn inner<I: Iterator>() -> usize {
            let number = {
                let item: Option<Box<I::Item>> = None;
                if item.is_some() { 1 } else { 2 }
            };
            wait().await;
            number
        }
        #[allow(private_bounds)]
        pub async fn outer<M: Make>() -> usize {
            inner::<M::Items>().await
        }
    }

    pub async fn all() -> usize {
        in_struct::outer().await
            + in_enum::outer().await
            + in_bound::outer::<in_bound::Device>().await
    }
}

/// A future that is awaited only where no way leads is no part of the layout.
mod unreachable {
    use super::*;

    const SIZE: usize = size_of_made(outer);
    async fn deeper() -> usize {
        [0_u8; SIZE].len()
    }
    #[allow(unreachable_patterns)]
    async fn inner(_: String, number: usize) -> usize {
        match number {
            _ => wait().await,
            2 => async { deeper().await }.await,
        }
    }
    #[allow(unreachable_patterns)]
    pub async fn outer() -> usize {
        match 3 {
            _ => inner(String::new(), 3).await,
            2 => async { deeper().await }.await,
        }
    }
}

/// A type that is named only behind a pointer that is held is no part of the layout.
mod pointed_at {
    use super::*;
    use std::marker::PhantomData;

    const SIZE: usize = size_of_made(all);
    trait Make {
        type Made;
        type Buffer;
    }
    struct Device;
    impl Make for Device {
        type Made = u8;
        type Buffer = [u8; SIZE];
    }

    /// In another field than the last one, which alone says whether the pointer is thin.
    struct Outer<M: Make>(u8, Inner<M, M::Made>);
    struct Inner<M: Make, X>(Option<Box<M::Buffer>>, X);
    async fn in_field<M: Make>(_: Option<&Outer<M>>) -> usize {
        let count = {
            let buffer: Option<Box<M::Buffer>> = None;
            buffer.is_some() as usize
        };
        wait().await + count
    }

    /// As an argument that the last field makes no use of.
    struct Last<M: Make>(u8, Marked<M::Buffer>);
    struct Marked<X>(PhantomData<X>, u8);
    async fn as_argument<M: Make>(_: Option<&Last<M>>) -> usize {
        let count = {
            let buffer: Option<Box<M::Buffer>> = None;
            buffer.is_some() as usize
        };
        wait().await + count
    }

    pub async fn all() -> usize {
        in_field::<Device>(None).await + as_argument::<Device>(None).await
    }
}

fn main() {
    assert_eq!(complete(pin!(auto_trait::outer()), 0), 3);
    assert_eq!(complete(pin!(where_clause::outer()), 0), 3);
    assert_eq!(complete(pin!(function::outer()), 0), 3);
    assert_eq!(complete(pin!(signature::outer()), 3), 3 + 1 + 3 * (9 + 2));
    assert!(complete(pin!(instance::projection::outer()), 1));
    assert!(complete(pin!(instance::proof::outer()), 1));
    assert!(complete(pin!(instance::opaque::outer()), 1));
    assert!(complete(pin!(instance::dropped::outer()), 1));
    assert_eq!(complete(pin!(hidden::all()), 4), 2 + 16 + 9 + 2);
    assert_eq!(complete(pin!(unreachable::outer()), 1), 9);
    assert_eq!(complete(pin!(pointed_at::all()), 2), 9 + 9);
}
