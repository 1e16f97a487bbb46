//! Timers: time limits that are not reached, timers that are due at once, and a few that wait.
//!
//! A program sets a time limit often and hardly ever reaches it, so that is most of the work here.
//! What the reactor does besides depends on the clock; it is little, as few timers wait.

use std::time::Duration;

use smol::Timer;
use smol::future::{or, yield_now};

use crate::mix::mix;
use crate::parts::{Executor, repeat_in_tasks};

/// How many tasks set time limits.
const TASKS: u32 = 8;

/// A time limit that no run comes near.
const LIMIT: Duration = Duration::from_secs(3600);

/// How long a task waits that really waits.
const WAIT: Duration = Duration::from_micros(100);

/// In how many iterations a task really waits once.
const ITERATIONS_PER_WAIT: u32 = 512;

/// Works under time limits.
pub async fn run(executor: Executor, iterations: u32) -> u32 {
    repeat_in_tasks(executor, TASKS, iterations, limited).await
}

/// What a task does again and again.
async fn limited(task: u32, iteration: u32, before: u32) -> u32 {
    let too_late = async {
        Timer::after(LIMIT).await;
        0
    };
    let checksum = or(step(before, iteration), too_late).await;
    Timer::after(Duration::ZERO).await;
    if task == 0 && iteration % ITERATIONS_PER_WAIT == ITERATIONS_PER_WAIT - 1 {
        Timer::after(WAIT).await;
    }
    checksum
}

/// A step that is not done at once.
async fn step(before: u32, value: u32) -> u32 {
    yield_now().await;
    mix(before, value)
}
