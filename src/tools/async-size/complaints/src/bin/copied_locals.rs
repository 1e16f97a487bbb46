//! Locals of a type that is `Copy` do not share memory where others would.
//!
//! <https://github.com/rust-lang/rust/issues/62952>

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read, hw_write};

#[cfg_attr(not(feature = "by-hand"), derive(Clone, Copy))]
struct Frame([u32; 64]);

fn done(frame: Frame) {
    hw_write(1, frame.0[0] ^ frame.0[63]);
}

async fn top() -> u32 {
    let first = Frame([hw_read(1); 64]);
    Wait(1).await;
    done(first);
    let second = Frame([hw_read(2); 64]);
    Wait(2).await;
    done(second);
    let third = Frame([hw_read(3); 64]);
    Wait(3).await;
    done(third);
    hw_read(4)
}

entry!(top);
