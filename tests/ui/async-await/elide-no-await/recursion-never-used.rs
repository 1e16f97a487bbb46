// Futures that contain larger and larger ones, if they are ever used. Nothing asks how large a
// generic one is, where it holds what is not known.

//@ build-pass
//@ edition: 2024
//@ revisions: default elided
//@ compile-flags: -Zvalidate-mir -Zlint-mir -Copt-level=2
//@[elided] compile-flags: -Zasync-returned-panic=no

async fn one<T: Clone>(value: T) {
    other::<(T, T)>((value.clone(), value)).await
}

async fn other<T: Clone>(value: T) {
    one::<T>(value).await
}

fn main() {}
