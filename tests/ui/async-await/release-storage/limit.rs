// There is a limit to what is looked at on behalf of a body. In a very large one the locals beyond
// it, in the order of their declaration, are saved as they would be otherwise.

//@ run-pass
//@ edition: 2024
//@ compile-flags: -Copt-level=2 -Zasync-returned-panic=no

use std::future::pending;

macro_rules! four {
    ($($tokens:tt)*) => { $($tokens)* $($tokens)* $($tokens)* $($tokens)* };
}

macro_rules! locals {
    (256) => { four! { four! { four! { four! { locals! { 1 } } } } } };
    (1) => {
        let local = [1u8; 16];
        let _ = local.first();
    };
}

async fn many() {
    locals! { 256 }
    pending::<()>().await;
}

async fn too_many() {
    four! { locals! { 256 } }
    locals! { 256 }
    locals! { 256 }
    pending::<()>().await;
}

fn main() {
    let [many, too_many] = [size_of_val(&many()), size_of_val(&too_many())];
    assert!(many < 16, "{many}");
    assert!((16 * 256..16 * 1024).contains(&too_many), "{too_many}");
}
