//! Work for the smol executor that comes to the same result in every run.
//!
//! Usage: `smol-work MODE [ITERATIONS]`. It prints the mode and a checksum. A mode is one of the
//! [`parts`], or `all` of them at the same time.
//!
//! Everything is on one thread, in an executor that takes its tasks in turn, so a part does the
//! same in every run, to the instruction. The exception is `timers`, and so `all`: they need smol's
//! reactor, which has a thread of its own, and which asks the clock what is due.

mod mix;
mod parts;

use crate::parts::{Executor, Part};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let parts: Vec<&Part> =
        parts::ALL.iter().filter(|part| mode == "all" || mode == part.name).collect();
    let modes = parts::ALL.map(|part| part.name).join("|");
    assert!(!parts.is_empty(), "usage: smol-work {modes}|all [ITERATIONS]");
    let iterations =
        arguments.next().map_or(1_000, |count| count.parse().expect("ITERATIONS is a number"));

    let executor: Executor = Box::leak(Box::default());
    let tasks: Vec<_> =
        parts.iter().map(|part| executor.spawn((part.run)(executor, iterations))).collect();
    let work = executor.run(async {
        let mut checksum = 0;
        for task in tasks {
            checksum = mix::mix(checksum, task.await);
        }
        checksum
    });
    // Without a timer there is no need to start the reactor.
    let checksum = if parts.iter().any(|part| part.has_timers) {
        smol::block_on(work)
    } else {
        smol::future::block_on(work)
    };
    println!("{mode} {checksum}");
}
