//! Futures that wait: each is polled several times before it is done.

use smol::future::{or, yield_now, zip};

use crate::mix::mix;
use crate::parts::{Executor, repeat_in_tasks};

/// How many tasks wait at the same time.
const TASKS: u32 = 16;

/// Waits in all tasks at the same time.
pub async fn run(executor: Executor, iterations: u32) -> u32 {
    repeat_in_tasks(executor, TASKS, iterations, wait_in_turn).await
}

/// What a task does again and again: it waits alone, for both of two, and for the first of two.
async fn wait_in_turn(task: u32, iteration: u32, before: u32) -> u32 {
    let alone = wait(iteration % 4).await;
    let (left, right) = zip(wait(iteration % 3), wait(task % 5)).await;
    let first = or(wait(task % 3), wait(iteration % 2)).await;
    mix(mix(before, alone), mix(left ^ right, first))
}

/// Is done after being polled so many times more.
async fn wait(times: u32) -> u32 {
    let mut checksum = times;
    for time in 0..times {
        yield_now().await;
        checksum = mix(checksum, time);
    }
    checksum
}
