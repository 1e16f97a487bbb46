//! Servers whose clients are in the same process.
//!
//! Usage: `server MODE [REQUESTS]`. It prints the mode and a checksum, then `allocated=` with the
//! bytes that were allocated, and the bytes of the main futures, each by its name. A mode is one of
//! [`MODES`].
//!
//! Everything is on one thread, there are no sockets, hashes have no random keys, and tokio's clock
//! stands still. So a mode does the same in every run, to the instruction. The exception is `http`:
//! once a second hyper makes the date that it would send, which takes some hundred instructions.

mod allocations;
mod answers;
mod connections;
mod http;
mod kv;
mod mesh;
mod stack;

use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::allocations::allocated;
use crate::answers::Answers;

/// Answers so many requests.
type Serve = fn(u32) -> Answers;

/// The modes by name.
const MODES: [(&str, Serve); 6] = [
    ("http", |requests| run(http::run(requests))),
    ("kv", |requests| run(kv::run(requests))),
    ("mesh", |requests| run(mesh::run(requests))),
    ("stack", |requests| run(stack::run(requests))),
    ("stack-ready", |requests| run(stack::run_ready(requests))),
    ("stack-sync", stack::run_sync),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let Some((_, serve)) = MODES.iter().find(|(mode, _)| *mode == name) else {
        panic!("usage: server {} [REQUESTS]", MODES.map(|(mode, _)| mode).join("|"));
    };
    let requests =
        arguments.next().map_or(1_000, |count| count.parse().expect("REQUESTS is a number"));
    let before = allocated();
    let answers = serve(requests);
    print!("{name} {} allocated={}", answers.checksum, allocated() - before);
    for (future, bytes) in answers.futures {
        print!(" {future}={bytes}");
    }
    println!();
}

/// Runs a server with its clients. Time goes on only when all of them wait for it.
fn run(answers: impl Future<Output = Answers>) -> Answers {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets needs nothing of the system");
    LocalSet::new().block_on(&runtime, answers)
}
