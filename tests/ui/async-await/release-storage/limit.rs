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
    (16) => { four! { four! { locals! { 1 } } } };
    (256) => { four! { four! { locals! { 16 } } } };
    (1) => {
        let local = [1u8; 16];
        let _ = local.first();
    };
}

async fn some() {
    locals! { 16 }
    locals! { 16 }
    pending::<()>().await;
}

async fn many() {
    locals! { 256 }
    locals! { 256 }
    pending::<()>().await;
}

fn main() {
    let [some, many] = [size_of_val(&some()), size_of_val(&many())];
    assert!(some < 16, "{some}");
    assert!((16 * 256..16 * 512).contains(&many), "{many}");
}
