// A future that holds itself is the same error with the flag on, with the same notes: also where it
// is only dropped, where it would be inlined, and where it is held over an await that never waits.

//@ edition: 2024
//@ revisions: yes no
//@ compile-flags: -Copt-level=3
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no] compile-flags: -Zasync-returned-panic=no

#![crate_type = "lib"]

use std::future::pending;

async fn keep<T>(held: T) {
    pending::<()>().await;
    drop(held)
}

pub async fn recursive() {
    //~^ ERROR recursion in an async fn requires boxing
    keep(recursive()).await
}

async fn never_waits() {}

pub async fn over_no_wait(n: u32) {
    //~^ ERROR recursion in an async fn requires boxing
    let rest = over_no_wait(n - 1);
    never_waits().await;
    drop(rest);
}

pub async fn awaited_later(n: u32) {
    //~^ ERROR recursion in an async fn requires boxing
    let rest = awaited_later(n - 1);
    never_waits().await;
    rest.await
}

pub async fn in_an_option(n: u32) {
    //~^ ERROR recursion in an async fn requires boxing
    let rest = (n > 0).then(|| in_an_option(n - 1));
    never_waits().await;
    drop(rest);
}

async fn consume(_: impl Future) {}

pub async fn handed_on(n: u32) {
    //~^ ERROR recursion in an async fn requires boxing
    consume(handed_on(n - 1)).await;
}

trait Service {
    fn call(&self, n: u32) -> impl Future<Output = ()>;
}

async fn run(service: impl Service, n: u32) {
    let rest = service.call(n);
    never_waits().await;
    drop(rest);
}

pub struct ByTrait;

impl Service for ByTrait {
    async fn call(&self, n: u32) {
        //~^ ERROR recursion in an async fn requires boxing
        run(ByTrait, n - 1).await
    }
}

// The saved type `Called<C>` holds a coroutine only by the projection `C::Future`.
pub trait Call {
    type Future: Future<Output = ()>;
    fn call(&self, n: u32) -> Self::Future;
}

impl<F: Fn(u32) -> R, R: Future<Output = ()>> Call for F {
    type Future = R;
    fn call(&self, n: u32) -> R {
        self(n)
    }
}

pub struct Called<C: Call>(#[allow(dead_code)] Option<C::Future>);

fn called<C: Call>(callee: C, n: u32) -> Called<C> {
    Called(Some(callee.call(n)))
}

pub async fn in_a_field(n: u32) {
    //~^ ERROR recursion in an async fn requires boxing
    let rest = called(in_a_field, n - 1);
    never_waits().await;
    drop(rest);
}

pub async fn in_a_field_first(n: u32) {
    //~^ ERROR recursion in an async fn requires boxing
    let first = called(in_a_field_first, n - 1);
    let second = in_a_field_first(n - 1);
    pending::<()>().await;
    drop(first);
    drop(second);
}
