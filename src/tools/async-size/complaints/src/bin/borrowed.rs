//! A local that was borrowed once is kept behind every await of its scope.
//!
//! <https://github.com/rust-lang/rust/pull/112050>

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read};

fn parse(words: &[u32; 32]) -> u32 {
    words.iter().fold(1, |product, word| product.wrapping_mul(word | 1))
}

#[cfg(not(feature = "by-hand"))]
async fn top() -> u32 {
    let head = [hw_read(1); 32];
    let head_hash = parse(&head);
    let body = [hw_read(2); 32];
    let body_hash = parse(&body);
    let tail = [hw_read(3); 32];
    let tail_hash = parse(&tail);
    for _ in 0..3 {
        Wait(4).await;
    }
    head_hash ^ body_hash ^ tail_hash
}

#[cfg(feature = "by-hand")]
async fn top() -> u32 {
    let read_hash = |register| {
        let words = [hw_read(register); 32];
        parse(&words)
    };
    let (head_hash, body_hash, tail_hash) = (read_hash(1), read_hash(2), read_hash(3));
    for _ in 0..3 {
        Wait(4).await;
    }
    head_hash ^ body_hash ^ tail_hash
}

entry!(top);
