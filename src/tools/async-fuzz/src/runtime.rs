//! What a generated program is made of and run by: the trace, the values and futures that write to
//! it, and the executor.
//!
//! Its files become modules of one text, which is compiled as a library, once, and pasted into a
//! finding. It is compiled with the flag off, so what it has to say of a program it says the same
//! of every build.
//!
//! A *trace* is a list of events, each a kind and two numbers. A run of one program in one
//! *scenario* prints a line:
//!
//! ```text
//! program scenario ended <hash of the trace> <hash at the cut, or -> <hash at the panic, or ->
//! program scenario died <hash at the cut> <hash at the panic>
//! program scenario killed <signal or exit code>
//! ```
//!
//! and after one of the first two the word `resumed` if a future panicked because it was polled
//! with nothing left to do. That is no event: the flag may make it go away, and has to.
//!
//! The *cut* is the first panic of the run, or the first poll of a future that has nothing left to
//! do. A build that aborts, and in which such a poll panics, may have died there. Any other ends as
//! one that unwinds, or dies at the first *panic* that has another reason than such a poll, and up
//! to that its run has to be the same.

/// The files, each by the name of its module.
const PARTS: [(&str, &str); 4] = [
    ("trace", include_str!("runtime/trace.rs")),
    ("values", include_str!("runtime/values.rs")),
    ("futures", include_str!("runtime/futures.rs")),
    ("executor", include_str!("runtime/executor.rs")),
];

/// The text of the runtime, which may stand in a file or in a module of its own.
pub fn text() -> String {
    let part = |(name, text)| format!("mod {name} {{\n{text}}}\npub use {name}::*;\n");
    let parts: String = PARTS.map(part).concat();
    format!("#![allow(clippy::all, dead_code)]\n\n{parts}")
}
