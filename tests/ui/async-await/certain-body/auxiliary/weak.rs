// Futures that are always ready, unless the linker finds another `poll` for them.

//@ edition: 2024
//@ no-prefer-dynamic
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=1

#![crate_type = "lib"]
#![feature(linkage)]

use std::pin::Pin;
use std::task::{Context, Poll};

pub struct Weak(pub bool);

impl Future for Weak {
    type Output = String;

    #[linkage = "weak"]
    #[unsafe(export_name = "weak_poll")]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<String> {
        Poll::Ready("weak".to_owned())
    }
}

pub struct LinkedOnce(pub bool);

impl Future for LinkedOnce {
    type Output = String;

    #[linkage = "linkonce"]
    #[unsafe(export_name = "linked_once_poll")]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<String> {
        Poll::Ready("weak".to_owned())
    }
}

pub async fn there() -> (String, String) {
    (Weak(true).await, LinkedOnce(true).await)
}
