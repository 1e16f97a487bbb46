//! Large answers are copied from level to level.
//!
//! <https://github.com/pgdogdev/pgdog/issues/1359>

#![no_std]
#![no_main]

use complaints::{Wait, entry, hw_read};

#[cfg(not(feature = "by-hand"))]
type Row = Result<[u32; 64], u32>;

#[cfg(not(feature = "by-hand"))]
async fn fetch(register: u32) -> Row {
    let mut row = [0u32; 64];
    for word in &mut row[..4] {
        *word = hw_read(register);
    }
    Wait(register).await;
    if row[0] % 32 == 0 { Err(row[0]) } else { Ok(row) }
}

#[cfg(not(feature = "by-hand"))]
async fn retry(register: u32) -> Row {
    match fetch(register).await {
        Ok(row) => Ok(row),
        Err(_) => fetch(register + 1).await,
    }
}

#[cfg(not(feature = "by-hand"))]
async fn query(register: u32) -> Row {
    let mut row = retry(register).await?;
    row[7] ^= 1;
    Ok(row)
}

#[cfg(not(feature = "by-hand"))]
async fn top() -> u32 {
    let mut sum = 0;
    for register in 0..4 {
        match query(register).await {
            Ok(row) => sum ^= row[0] ^ row[7],
            Err(error) => sum ^= error,
        }
    }
    sum
}

#[cfg(feature = "by-hand")]
async fn top() -> u32 {
    let mut sum = 0;
    for register in 0..4 {
        let mut row = [0u32; 64];
        let mut error = None;
        for attempt in 0..2 {
            row = [0u32; 64];
            for word in &mut row[..4] {
                *word = hw_read(register + attempt);
            }
            Wait(register + attempt).await;
            error = (row[0] % 32 == 0).then_some(row[0]);
            if error.is_none() {
                break;
            }
        }
        match error {
            None => {
                row[7] ^= 1;
                sum ^= row[0] ^ row[7];
            }
            Some(error) => sum ^= error,
        }
    }
    sum
}

entry!(top);
