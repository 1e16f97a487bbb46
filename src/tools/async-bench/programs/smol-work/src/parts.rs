//! The parts that the work has.

mod calls;
mod channels;
mod locks;
mod ready;
mod timers;
mod waiting;

use std::pin::Pin;

use smol::LocalExecutor;

use crate::mix::mix;

/// One kind of work.
pub struct Part {
    /// The mode that runs it alone.
    pub name: &'static str,
    /// Whether it needs the reactor.
    pub has_timers: bool,
    /// Does the work so many times, and returns a checksum.
    pub run: Run,
}

type Run = fn(Executor, u32) -> Pin<Box<dyn Future<Output = u32>>>;

/// The one executor, which is there for as long as the program.
pub type Executor = &'static LocalExecutor<'static>;

/// Every part.
pub const ALL: [Part; 6] = [
    Part { name: "channels", has_timers: false, run: |e, n| Box::pin(channels::run(e, n)) },
    Part { name: "timers", has_timers: true, run: |e, n| Box::pin(timers::run(e, n)) },
    Part { name: "locks", has_timers: false, run: |e, n| Box::pin(locks::run(e, n)) },
    Part { name: "calls", has_timers: false, run: |_, n| Box::pin(calls::run(n)) },
    Part { name: "ready", has_timers: false, run: |e, n| Box::pin(ready::run(e, n)) },
    Part { name: "waiting", has_timers: false, run: |e, n| Box::pin(waiting::run(e, n)) },
];

/// Runs so many tasks at the same time, each with so many iterations, and returns a checksum.
///
/// An iteration gets the number of its task, its own, and the checksum of those before it, and
/// returns a new one.
async fn repeat_in_tasks<F: Future<Output = u32> + 'static>(
    executor: Executor,
    tasks: u32,
    iterations: u32,
    iterate: fn(u32, u32, u32) -> F,
) -> u32 {
    let task = |task| {
        executor.spawn(async move {
            let mut checksum = task;
            for iteration in 0..iterations {
                checksum = iterate(task, iteration, checksum).await;
            }
            checksum
        })
    };
    let mut checksum = 0;
    for task in (0..tasks).map(task).collect::<Vec<_>>() {
        checksum = mix(checksum, task.await);
    }
    checksum
}
