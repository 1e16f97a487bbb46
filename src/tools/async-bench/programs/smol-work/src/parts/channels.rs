//! Channels: messages go through a chain of tasks, by channels that are often full or empty.

use smol::channel::{Receiver, Sender, bounded};

use crate::mix::mix;
use crate::parts::Executor;

/// How many tasks there are between the first and the last.
const STAGES: u32 = 6;

/// How many messages a channel holds: few, so that senders wait, too.
const CAPACITY: usize = 4;

/// How many messages go through the chain in an iteration.
const MESSAGES: u32 = 4;

/// Sends messages through the chain.
pub async fn run(executor: Executor, iterations: u32) -> u32 {
    let (first, mut last) = bounded(CAPACITY);
    executor.spawn(source(first, iterations * MESSAGES)).detach();
    for stage in 0..STAGES {
        let (to, next) = bounded(CAPACITY);
        executor.spawn(pass_on(last, to, stage)).detach();
        last = next;
    }
    let mut checksum = 0;
    while let Ok(message) = last.recv().await {
        checksum = mix(checksum, message);
    }
    checksum
}

async fn source(to: Sender<u32>, messages: u32) {
    for message in 0..messages {
        if to.send(message).await.is_err() {
            return;
        }
    }
}

async fn pass_on(from: Receiver<u32>, to: Sender<u32>, stage: u32) {
    while let Ok(message) = from.recv().await {
        if to.send(mix(message, stage)).await.is_err() {
            return;
        }
    }
}
