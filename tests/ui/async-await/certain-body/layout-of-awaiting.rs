// The type of a body may be as large as a future, and that future may run the body: a task that is
// kept in a pool of its own size starts another, and an array that is made when a future is polled
// has as many elements as the future around it has bytes. That is no cycle as long as the layout
// of the future is made without it. So with `-Zasync-returned-panic=no` nothing more is asked for.
//
// There is a module for each way in which a type may depend on a layout, and in it one for each
// place that it may do so in.

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

extern crate polling;

use std::pin::pin;

const fn size_of_made<R>(_: fn() -> R) -> usize {
    size_of::<R>()
}

/// Defines `outer`, which runs what `$length` stands in, at each place. It gives the same as if
/// `$length` did not depend on it.
macro_rules! places {
    ($($form:ident($length:expr) { $($item:tt)* })*) => {
        $(
            mod $form {
                /// In the poll of a future that is always ready.
                pub mod in_poll {
                    use std::pin::Pin;
                    use std::task::{Context, Poll};

                    const SIZE: usize = crate::size_of_made(outer);
                    $($item)*
                    struct Hand;
                    impl Future for Hand {
                        type Output = bool;
                        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<bool> {
                            let length = $length;
                            Poll::Ready(length == SIZE)
                        }
                    }
                    async fn generic<F: Future>(future: F) -> F::Output {
                        future.await
                    }
                    pub async fn outer() -> bool {
                        Hand.await && generic(Hand).await
                    }
                }

                /// In the poll of one that waits.
                pub mod in_poll_that_waits {
                    use std::pin::Pin;
                    use std::task::{Context, Poll};

                    const SIZE: usize = crate::size_of_made(outer);
                    $($item)*
                    struct Hand(bool);
                    impl Future for Hand {
                        type Output = bool;
                        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<bool> {
                            if std::mem::replace(&mut self.0, true) {
                                return Poll::Ready(SIZE == $length);
                            }
                            Poll::Pending
                        }
                    }
                    pub async fn outer() -> bool {
                        Hand(false).await
                    }
                }

                /// In functions that are called before the same is awaited.
                pub mod in_called {
                    const SIZE: usize = crate::size_of_made(outer);
                    $($item)*
                    fn called(number: usize) -> usize {
                        number + $length
                    }
                    fn is_two_more(number: usize) -> bool {
                        number == SIZE + 2
                    }
                    struct Method;
                    impl Method {
                        fn called(&self, number: usize) -> usize {
                            number + $length
                        }
                    }
                    trait Trait {
                        fn called_by_trait(&self, number: usize) -> usize {
                            number + $length
                        }
                    }
                    impl Trait for Method {}
                    pub async fn outer() -> bool {
                        let number = match std::hint::black_box(2) {
                            0 => {
                                let number = called(0);
                                polling::step("", 1).await;
                                number
                            }
                            1 => {
                                let number = called(1);
                                polling::step("", 1).await;
                                number
                            }
                            2 => {
                                let number = Method.called(2);
                                polling::step("", 1).await;
                                number
                            }
                            number => {
                                let number = Method.called_by_trait(number);
                                polling::step("", 1).await;
                                number
                            }
                        };
                        is_two_more(number)
                    }
                }

                /// In what drops a value that is saved.
                pub mod in_drop {
                    const SIZE: usize = crate::size_of_made(outer);
                    $($item)*
                    struct Guard;
                    impl Drop for Guard {
                        fn drop(&mut self) {
                            assert!(SIZE == $length);
                        }
                    }
                    async fn inner(guard: Guard) {
                        polling::step("", 1).await;
                        drop(guard);
                    }
                    pub async fn outer() -> bool {
                        let _guard = Guard;
                        inner(Guard).await;
                        true
                    }
                }

                /// In a future of the same kind that is only held by pointer.
                pub mod behind_pointer {
                    use std::pin::Pin;

                    const SIZE: usize = crate::size_of_made(outer);
                    $($item)*
                    fn other() -> Pin<Box<dyn Future<Output = bool>>> {
                        Box::pin(async { SIZE == $length })
                    }
                    async fn boxed() -> bool {
                        other().await
                    }
                    pub async fn outer() -> bool {
                        boxed().await
                    }
                }

                /// In a future that an instance of an awaited body makes, and does not await.
                pub mod in_instance {
                    const SIZE: usize = crate::size_of_made(outer);
                    $($item)*
                    trait Make {
                        async fn make() -> bool;
                    }
                    struct Device;
                    impl Make for Device {
                        async fn make() -> bool {
                            SIZE == $length
                        }
                    }
                    async fn inner<M: Make>() -> bool {
                        let made = Box::pin(M::make());
                        drop(made);
                        polling::step("", 1).await;
                        true
                    }
                    pub async fn outer() -> bool {
                        inner::<Device>().await
                    }
                }
            }
        )*

        fn main() {
            $(
                assert!(polling::complete(pin!($form::in_poll::outer()), 0));
                assert!(polling::complete(pin!($form::in_poll_that_waits::outer()), 1));
                assert!(polling::complete(pin!($form::in_called::outer()), 1));
                assert!(polling::complete(pin!($form::in_drop::outer()), 1));
                assert!(polling::complete(pin!($form::behind_pointer::outer()), 0));
                assert!(polling::complete(pin!($form::in_instance::outer()), 1));
            )*
        }
    };
}

places! {
    array([0_u8; SIZE].len()) {}
    statics({
        let pool: &Pool<SIZE> = &POOL;
        size_of_val(pool)
    }) {
        struct Pool<const SIZE: usize>(#[allow(dead_code)] [u8; SIZE]);
        static POOL: Pool<SIZE> = Pool([0; SIZE]);
    }
    const_generic(length::<{ SIZE }>()) {
        fn length<const LENGTH: usize>() -> usize {
            LENGTH
        }
    }
    const_block([0_u8; LENGTH].len() + const { SIZE } - SIZE) {
        const LENGTH: usize = const { SIZE };
    }
    associated_const([0_u8; Mine::LENGTH].len()) {
        trait Length {
            const LENGTH: usize;
        }
        struct Mine;
        impl Length for Mine {
            const LENGTH: usize = SIZE;
        }
    }
    pattern(match std::hint::black_box(crate::size_of_made(outer)) {
        length @ SIZE => length,
        _ => 0,
    }) {}
    hidden_type(hidden().as_ref().len()) {
        fn hidden() -> impl AsRef<[u8]> {
            [0_u8; SIZE]
        }
    }
    transmute(unsafe { std::mem::transmute::<[u8; SIZE], [i8; SIZE]>([0; SIZE]) }.len()) {}
    transmute_future(
        unsafe { std::mem::transmute::<_, [std::mem::MaybeUninit<u8>; SIZE]>(outer()) }.len()
    ) {}
}
