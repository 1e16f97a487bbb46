//! An async fn that is named once and awaited three times should be in the program once.
//!
//! There is no public report; it was found by measuring.

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read, hw_write};

async fn transfer(register: u32) -> u32 {
    for value in [3, 5, 8, 13] {
        hw_write(register, value);
        Wait(register).await;
    }
    let mut sum = 0;
    for offset in 0..4 {
        let low = hw_read(register + offset);
        if low & 1 == 0 {
            Wait(register + 1).await;
            sum += low;
        }
        let high = hw_read(register + 4 + offset);
        if high & 2 == 0 {
            Wait(register + 2).await;
            sum ^= high.rotate_left(offset);
        }
        if sum & 4 == 0 {
            hw_write(register + 8, sum);
            Wait(register + 3).await;
        }
    }
    sum
}

#[cfg(not(feature = "by-hand"))]
async fn top() -> u32 {
    let get = transfer;
    let first = get(1).await;
    let second = get(first).await;
    first + second + get(2).await
}

#[cfg(feature = "by-hand")]
async fn top() -> u32 {
    let mut sum = 0;
    let mut register = 1;
    for step in 0..3 {
        let value = transfer(register).await;
        sum += value;
        register = if step == 0 { value } else { 2 };
    }
    sum
}

entry!(top);
