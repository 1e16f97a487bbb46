// A constant that cannot be evaluated for some instance is reported with the instance that it is
// of, be that an async fn that is awaited, or a function of another crate that is called, or that
// makes what is awaited.

//@ build-fail
//@ edition: 2024
//@ revisions: yes no
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Copt-level=3
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no
//@ aux-build: required_const.rs

extern crate required_const;

async fn inner<const LENGTH: usize>() -> usize {
    const { assert!(LENGTH > 4, "inner is too short") }
    //~^ ERROR evaluation panicked: inner is too short
    //~| ERROR evaluation panicked: inner is too short
    LENGTH
}

struct Sized<T>(T);

impl<T> Sized<T> {
    const CHECK: () = assert!(size_of::<T>() > 4, "method is too short");
    //~^ ERROR evaluation panicked: method is too short

    async fn method(self) -> usize {
        let () = Self::CHECK;
        wait().await;
        size_of::<T>()
    }
}

async fn wait() {
    std::future::pending().await
}

async fn outer() -> usize {
    inner::<2>().await
        + async { inner::<3>().await }.await
        + Sized(0_u16).method().await
        + required_const::called::<1>()
        + required_const::make::<u8>().await
}

fn main() {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(std::pin::pin!(outer()).poll(&mut context).is_pending());
}

//~? ERROR evaluation panicked: called is too short
//~? ERROR evaluation panicked: made is too short
