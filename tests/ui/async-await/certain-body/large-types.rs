// Each generic function here awaits the one before, with a type that has twice as many parts. The
// types are not written out part by part, which would take longer than any test may.

//@ build-pass
//@ edition: 2024
//@ revisions: yes no_o0 no_o1 no_o3 no_oz
//@ compile-flags: -Zvalidate-mir -Zlint-mir
//@[yes] compile-flags: -Zasync-returned-panic=yes
//@[no_o0] compile-flags: -Zasync-returned-panic=no-at-all-levels -Copt-level=0
//@[no_o1] compile-flags: -Zasync-returned-panic=no -Copt-level=1
//@[no_o3] compile-flags: -Zasync-returned-panic=no -Copt-level=3
//@[no_oz] compile-flags: -Zasync-returned-panic=no -Copt-level=z

// What others may inline is optimized in a library, whether it is used or not.
#![crate_type = "lib"]

use std::future::pending;
use std::marker::PhantomData;

macro_rules! chain {
    ($($name:ident: $awaited:ident),*) => {
        $(pub async fn $name<T>() -> usize {
            $awaited::<(T, T)>().await
        })*
    };
}

async fn f0<T>() -> usize {
    pending::<()>().await;
    size_of::<PhantomData<T>>()
}

chain!(f1: f0, f2: f1, f3: f2, f4: f3, f5: f4, f6: f5, f7: f6, f8: f7, f9: f8, f10: f9);
chain!(f11: f10, f12: f11, f13: f12, f14: f13, f15: f14, f16: f15, f17: f16, f18: f17, f19: f18);
chain!(f20: f19, f21: f20, f22: f21, f23: f22, f24: f23, f25: f24, f26: f25, f27: f26, f28: f27);
chain!(f29: f28, f30: f29, f31: f30, f32: f31);
