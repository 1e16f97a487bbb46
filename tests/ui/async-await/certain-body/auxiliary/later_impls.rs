// Generic code with one impl to be seen, to which another crate adds one.

//@ edition: 2024
//@ compile-flags: -Zasync-returned-panic=no -Copt-level=3 -Zvalidate-mir -Zlint-mir

#![feature(fundamental, type_alias_impl_trait)]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

#[fundamental]
pub struct Fundamental<T>(pub T);

impl Future for Fundamental<u8> {
    type Output = Box<u32>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Box<u32>> {
        Poll::Ready(Box::new(5))
    }
}

pub async fn poll_fundamental<T>(future: Fundamental<T>) -> u32
where
    Fundamental<T>: Future<Output = Box<u32>>,
{
    *future.await
}

pub type Five = impl Future<Output = u32>;

pub struct Maker;

pub trait Make<X> {
    fn five() -> Five;
}

impl Make<u8> for Maker {
    #[define_opaque(Five)]
    fn five() -> Five {
        async { 5 }
    }
}

pub async fn call_maker<X>() -> u32
where
    Maker: Make<X>,
{
    <Maker as Make<X>>::five().await
}

/// The same for a type that any crate may implement it for.
pub trait MakeBoxed {
    fn five() -> Five;
}

impl MakeBoxed for Box<u8> {
    fn five() -> Five {
        <Maker as Make<u8>>::five()
    }
}

pub async fn call_boxed<X>() -> u32
where
    Box<X>: MakeBoxed,
{
    <Box<X> as MakeBoxed>::five().await
}

pub trait Line<X> {
    fn line() -> u32;
}

impl Line<u8> for Maker {
    fn line() -> u32 {
        0
    }
}

pub async fn wait() {
    let mut has_waited = false;
    std::future::poll_fn(move |_| {
        if std::mem::replace(&mut has_waited, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

/// The lines that the two branches call from differ by 3.
pub async fn line<X>(is_first: bool) -> u32
where
    Maker: Line<X>,
{
    if is_first {
        wait().await;
        <Maker as Line<X>>::line()
    } else {
        wait().await;
        <Maker as Line<X>>::line()
    }
}
