// A future that holds itself by way of what it awaits is an error, and what it is held by is told,
// also if that only drops it, and would be inlined.

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
