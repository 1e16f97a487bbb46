//! Locks: pairs of tasks that take turns at a mutex and a lock for many readers, and all tasks at a
//! semaphore.
//!
//! A waiting task that finds smol's mutex taken again looks at the clock, and insists on its turn
//! after half a millisecond. That would make every run another. So only two tasks share a mutex,
//! and the one that unlocks it lets the other one run before it locks again.

use std::hint::black_box;
use std::rc::Rc;

use smol::future::yield_now;
use smol::lock::{Mutex, RwLock, Semaphore};

use crate::mix::mix;
use crate::parts::Executor;

/// How many tasks there are, two for each mutex.
const TASKS: u32 = 8;

/// How many of them the semaphore lets in.
const PERMITS: usize = 3;

/// What two tasks share.
#[derive(Default)]
struct Pair {
    sum: Mutex<u32>,
    table: RwLock<[u32; 4]>,
}

/// Lets tasks take turns.
pub async fn run(executor: Executor, iterations: u32) -> u32 {
    let gate = Rc::new(Semaphore::new(PERMITS));
    let pairs: Vec<Rc<Pair>> = (0..TASKS / 2).map(|_| Rc::default()).collect();
    let task = |task: u32| {
        let pair = pairs[task as usize / 2].clone();
        executor.spawn(take_turns(gate.clone(), pair, task, iterations))
    };
    for task in (0..TASKS).map(task).collect::<Vec<_>>() {
        task.await;
    }
    let mut checksum = 0;
    for pair in pairs {
        checksum = mix(checksum, *pair.sum.lock().await);
        checksum = pair.table.read().await.into_iter().fold(checksum, mix);
    }
    checksum
}

/// What one task does. In which order the tasks do it makes no difference to what they share.
async fn take_turns(gate: Rc<Semaphore>, pair: Rc<Pair>, task: u32, iterations: u32) {
    for iteration in 0..iterations {
        let permit = gate.acquire().await;
        black_box(read(&pair, iteration).await);
        yield_now().await;
        drop(permit);
        add(&pair, task, iteration).await;
        yield_now().await;
    }
}

async fn read(pair: &Pair, place: u32) -> u32 {
    pair.table.read().await[(place % 4) as usize]
}

/// Holds the mutex while others run, and now and then the table with it.
async fn add(pair: &Pair, task: u32, value: u32) {
    let mut sum = pair.sum.lock().await;
    yield_now().await;
    *sum = sum.wrapping_add(mix(task, value));
    if value % 4 == task % 4 {
        write(pair, value, mix(value, task)).await;
    }
}

async fn write(pair: &Pair, place: u32, value: u32) {
    let mut table = pair.table.write().await;
    yield_now().await;
    let entry = &mut table[(place % 4) as usize];
    *entry = entry.wrapping_add(value);
}
