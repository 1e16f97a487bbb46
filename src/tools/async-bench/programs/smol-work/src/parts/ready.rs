//! Futures that finish at once: nothing ever waits, but a caller cannot know that.

use std::future::ready;

use smol::future::zip;
use smol::stream::{self, StreamExt as _};

use crate::mix::mix;
use crate::parts::Executor;

/// How many tasks an iteration starts.
const TASKS: u32 = 2;

/// Awaits what is ready, in tasks of its own and in this one.
pub async fn run(executor: Executor, iterations: u32) -> u32 {
    let mut checksum = 0;
    for iteration in 0..iterations {
        for task in 0..TASKS {
            checksum = mix(checksum, executor.spawn(constant(iteration ^ task)).await);
        }
        checksum = mix(checksum, cached(checksum, iteration).await);
        let (left, right) = zip(forward(checksum), forward(iteration)).await;
        checksum = mix(left, right);
        checksum = mix(checksum, sum(iteration).await);
    }
    checksum
}

/// Has no await at all, as the functions that a trait asks for often have none.
async fn constant(value: u32) -> u32 {
    mix(value, 1)
}

/// Only awaits another function, and gives back what that does.
async fn forward(value: u32) -> u32 {
    constant(value).await
}

/// Awaits in one branch of two.
async fn cached(known: u32, value: u32) -> u32 {
    if known & 1 == 0 { known } else { ready(mix(known, value)).await }
}

/// Awaits in a loop.
async fn sum(from: u32) -> u32 {
    let mut numbers = stream::iter(from..from + 8);
    let mut sum = 0;
    while let Some(number) = numbers.next().await {
        sum = mix(sum, forward(number).await);
    }
    sum
}
