// The bodies that `elided.rs`, `not_elided.rs` and `untouched.rs` define, each with its setting.

use std::sync::atomic::{AtomicU32, Ordering};

use polling::{Traced, step};

/// Bodies without arguments, and what is the size of their futures by this crate.
macro_rules! bodies {
    ($($(#[$attribute:meta])* $name:ident -> $output:ty $body:block)*) => {
        $(
            $(#[$attribute])*
            pub async fn $name() -> $output $body
        )*

        pub fn sizes() -> Vec<usize> {
            vec![$(size_of_val(&$name())),*]
        }
    };
}

bodies! {
    five -> u32 { 5 }
    table -> [u64; 3] { [1, 2, 3] }
    #[inline(always)]
    inlined -> char { 'i' }
    awaits_five -> u32 { five().await + five().await }
    deeper -> u32 { awaits_five().await + through(five()).await }
    counts -> u32 {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        COUNT.fetch_add(1, Ordering::Relaxed)
    }
    awaits_counts -> u32 { counts().await ^ counts().await }
    waits -> u32 {
        let _local = Traced("local of waits");
        step("waits", 1).await;
        1
    }
    awaits_waits -> u32 { five().await + waits().await }
}

pub async fn add(a: u8, b: u64) -> u64 {
    a as u64 ^ b
}

/// A future that is handed out by its bounds alone, and captures what it is given.
pub fn block(a: u8, b: [u32; 3], c: bool) -> impl Future<Output = u32> {
    async move { if c { b[1] ^ a as u32 } else { 0 } }
}

/// As large as what it is instantiated with.
pub async fn size<const N: usize>(_array: [u8; N]) -> usize {
    N
}

/// What it awaits is known to the crate that instantiates it.
pub async fn through<F: Future>(future: F) -> F::Output {
    let _local = Traced("local of through");
    future.await
}

pub trait Read {
    async fn now(&self) -> u32;

    async fn read(&self) -> u32 {
        self.now().await + five().await
    }
}

pub fn closure() -> impl AsyncFn(u32) -> u32 {
    async |n| five().await + n
}

/// The sizes of instances that the crates which use this one make themselves, too.
pub fn sizes_of_instances() -> [usize; 7] {
    [
        size_of_val(&add(1, 2)),
        size_of_val(&block(1, [2; 3], true)),
        size_of_val(&size([0; 3])),
        size_of_val(&through(five())),
        size_of_val(&through(waits())),
        size_of_val(&through(through(add(1, 2)))),
        size_of_val(&closure()(1)),
    ]
}
