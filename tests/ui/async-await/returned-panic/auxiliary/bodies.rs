// The bodies that `answers_pending.rs` and `answers_panic.rs` both define, each with its setting.

use std::pin::Pin;

use polling::{Traced, step};

pub async fn plain() -> u32 {
    let _local = Traced("plain local");
    step("plain", 1).await;
    1
}

/// Instantiated by the crate that calls it.
pub async fn generic<T>(argument: T) -> T {
    let _local = Traced("generic local");
    step("generic", 1).await;
    argument
}

#[inline(always)]
pub async fn inlined() -> u32 {
    step("inlined", 1).await;
    1
}

/// Awaits a body of the crate that calls it.
pub async fn through<F: Future>(inner: F) -> F::Output {
    inner.await
}

pub async fn breaks<T>(_argument: T) -> u32 {
    let _local = Traced("breaks local");
    step("breaks", 1).await;
    panic!("broken");
}

pub fn closure() -> impl AsyncFn(u32) -> u32 {
    async |n| {
        step("closure", 1).await;
        n
    }
}

pub trait Read {
    async fn read(&self) -> u32 {
        step("read", 1).await;
        1
    }
}

pub fn boxed() -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(plain())
}

pub async gen fn breaking_gen<T>(item: T) -> T {
    yield item;
    panic!("broken");
}
