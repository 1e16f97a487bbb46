//! What is kept behind more than one await gets memory of its own.
//!
//! <https://github.com/rust-lang/rust/issues/62575>

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read, hw_write};

struct Buffer([u32; 32]);

impl Drop for Buffer {
    fn drop(&mut self) {
        hw_write(7, self.0[0]);
    }
}

async fn top() -> u32 {
    let mut sum = 0;
    {
        let buffer = Buffer([hw_read(1); 32]);
        Wait(1).await;
        Wait(2).await;
        sum ^= buffer.0[5];
    }
    {
        let buffer = Buffer([hw_read(2); 32]);
        Wait(3).await;
        Wait(4).await;
        sum ^= buffer.0[6];
    }
    {
        let buffer = Buffer([hw_read(3); 32]);
        Wait(5).await;
        Wait(6).await;
        sum ^= buffer.0[7];
    }
    sum
}

entry!(top);
