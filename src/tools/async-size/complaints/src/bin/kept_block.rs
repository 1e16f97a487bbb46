//! A block that is made, kept behind an await, and then awaited has what it captured twice.
//!
//! The same as <https://github.com/rust-lang/goals/issues/622> without a combinator.

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read};

async fn top() -> u32 {
    let blob = [hw_read(1) as u8; 1000];
    #[cfg(not(feature = "by-hand"))]
    {
        let send = async move {
            Wait(2).await;
            blob[hw_read(2) as usize % 1000].into()
        };
        Wait(3).await;
        send.await
    }
    #[cfg(feature = "by-hand")]
    {
        for register in [3, 2] {
            Wait(register).await;
        }
        blob[hw_read(2) as usize % 1000].into()
    }
}

entry!(top);
