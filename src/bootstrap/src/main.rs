//! Brings in rustc's source, lays this tree over it, and builds, tests and runs the result.
//!
//! `x.py` starts this program. What a verb does is in [`verbs`], one file each. What they share is
//! the way from a clean clone to a tree that rustc's own bootstrap can build:
//!
//! 1. [`host`]: is this a host we know, with room, and with the programs and LLVM that it takes?
//! 2. [`stage0`]: which rustc and cargo build the compiler?
//! 3. [`base`]: rustc's source, by its package or from a folder, checked against `src/base.toml`.
//! 4. [`overlay`]: our files and [`patch`]es, laid over a copy of it.
//! 5. [`rustc_bootstrap`]: the settings, and the hand-over.
//!
//! What comes out of it goes to other machines by [`dist`].
//!
//! [`tree::Tree`] says where everything lies.

mod base;
mod command;
mod config;
mod current;
mod dist;
mod host;
mod host_tools;
mod mistakes;
mod overlay;
mod partial;
mod patch;
mod rustc_bootstrap;
mod series;
mod stage0;
mod tree;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use crate::verbs::Verb;

/// A rustc whose `async` is as lean as the code one would have written by hand.
#[derive(Parser)]
#[command(name = "x.py", bin_name = "./x.py", version, max_term_width = 100)]
#[command(after_help = "Settings are read from config.toml if there is one; config.example.toml \
                  documents them.\nEverything that is made lies in build/.")]
struct Arguments {
    /// Show every command that is run
    #[arg(short, long, global = true)]
    verbose: bool,

    #[command(subcommand)]
    verb: Verb,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    command::set_verbose(arguments.verbose);
    if let Err(error) = partial::clean_up_on_interrupt() {
        eprintln!("warning: {error:#}");
    }
    match arguments.verb.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
