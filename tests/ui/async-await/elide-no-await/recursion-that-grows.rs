//~ ERROR queries overflow the depth limit
//
// A future that contains larger and larger ones is an error, and no less of one where awaits are
// looked through for whether they ever wait. That search ends, and soon.

//@ edition: 2024
//@ revisions: default elided
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[elided] compile-flags: -Zasync-returned-panic=no -Copt-level=3

async fn grows<T>() {
    grows::<(T, T)>().await
}

fn main() {}
