//! Deep trees of calls: what is polled is far below what awaits it, as in a server or a driver.
//!
//! There is a tree of functions that are known to each other, eight deep, and one of boxed futures,
//! as recursion and traits behind a pointer have them. Most leaves are ready; some are not.

use std::pin::Pin;

use smol::future::yield_now;

use crate::mix::mix;

/// How deep the tree of boxed futures is.
const BOXED_DEPTH: u32 = 4;

/// One leaf in so many is not ready.
const LEAVES_PER_WAIT: u32 = 16;

/// A fault that a call may have, so that every layer has to look.
struct Fault(u32);

/// Counts the leaves.
#[derive(Default)]
struct Device {
    leaves: u32,
}

/// Calls down both trees.
pub async fn run(iterations: u32) -> u32 {
    let mut device = Device::default();
    let mut checksum = 0;
    for iteration in 0..iterations {
        checksum = match request(&mut device, iteration).await {
            Ok(answer) => mix(checksum, answer),
            Err(Fault(code)) => mix(checksum, !code),
        };
        checksum = mix(checksum, boxed(&mut device, iteration, BOXED_DEPTH).await);
    }
    checksum
}

async fn request(device: &mut Device, value: u32) -> Result<u32, Fault> {
    let head = session(device, value).await?;
    let body = session(device, head).await?;
    Ok(mix(head, body))
}

async fn session(device: &mut Device, value: u32) -> Result<u32, Fault> {
    let answer = message(device, value).await?;
    if answer % 1024 == 1 { Err(Fault(answer)) } else { Ok(answer) }
}

async fn message(device: &mut Device, value: u32) -> Result<u32, Fault> {
    let mut answer = value;
    for part in 0..2 {
        answer = mix(answer, frame(device, part).await?);
    }
    Ok(answer)
}

async fn frame(device: &mut Device, value: u32) -> Result<u32, Fault> {
    let head = packet(device, value).await?;
    match head & 1 {
        0 => packet(device, head).await,
        _ => Ok(head),
    }
}

async fn packet(device: &mut Device, value: u32) -> Result<u32, Fault> {
    transfer(device, value).await
}

async fn transfer(device: &mut Device, value: u32) -> Result<u32, Fault> {
    let mut answer = value;
    for _ in 0..2 {
        answer = mix(answer, register(device, answer).await?);
    }
    Ok(answer)
}

async fn register(device: &mut Device, value: u32) -> Result<u32, Fault> {
    let answer = leaf(device, value).await;
    if answer == u32::MAX { Err(Fault(value)) } else { Ok(answer) }
}

async fn leaf(device: &mut Device, value: u32) -> u32 {
    device.leaves += 1;
    if device.leaves.is_multiple_of(LEAVES_PER_WAIT) {
        yield_now().await;
    }
    mix(device.leaves, value)
}

fn boxed<'a>(
    device: &'a mut Device,
    value: u32,
    depth: u32,
) -> Pin<Box<dyn Future<Output = u32> + 'a>> {
    Box::pin(async move {
        if depth == 0 {
            return leaf(device, value).await;
        }
        let left = boxed(device, value, depth - 1).await;
        let right = boxed(device, left, depth - 1).await;
        mix(left, right)
    })
}
