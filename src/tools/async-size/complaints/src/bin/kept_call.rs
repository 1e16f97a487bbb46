//! An async fn that is called, kept behind an await, and then awaited has its argument twice.
//!
//! The same as <https://github.com/rust-lang/goals/issues/622> without a combinator.

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read};

struct Message([u8; 1000]);

#[cfg(not(feature = "by-hand"))]
async fn send(message: Message) -> u32 {
    Wait(2).await;
    message.0[hw_read(2) as usize % 1000].into()
}

async fn top() -> u32 {
    let message = Message([hw_read(1) as u8; 1000]);
    #[cfg(not(feature = "by-hand"))]
    {
        let sending = send(message);
        Wait(3).await;
        sending.await
    }
    #[cfg(feature = "by-hand")]
    {
        for register in [3, 2] {
            Wait(register).await;
        }
        message.0[hw_read(2) as usize % 1000].into()
    }
}

entry!(top);
