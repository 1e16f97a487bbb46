//! Looks for async programs that the passes of `-Z async-returned-panic=no` make behave
//! differently.
//!
//! # Motivation
//!
//! The passes rewrite control flow around drops, panics and cancellation. A test says what somebody
//! thought of. This looks for what nobody did: it makes programs that nobody would write, drives
//! them as nobody should, and needs not know what they ought to do, because the compiler without
//! the passes tells. Any other pass or fork for async code can be tried so.
//!
//! # How it works
//!
//! It has three parts that can be read apart:
//!
//! * A *generator* of [`program`]s: [`generate`] makes one from a seed, [`print`] makes Rust of it,
//!   [`reduce`] makes it smaller.
//! * An *executor*, the [`runtime`], which every program is linked to. It polls and drops the
//!   program's future in all ways that a caller may, and writes a trace of what happens.
//! * A [`judge`], which compiles the programs in all builds of the [`matrix`], in a [`workshop`],
//!   and compares their [`trace`]s, and what the compiler has [`told`] of them.
//!
//! What differs becomes a [`finding`]. [`run`] is the whole of it.
//!
//! # What may differ
//!
//! A poll of a future that has nothing left to do. The flag promises `Pending` for the panic there
//! was, or the same value once more if that is a constant. So a build with all passes never panics
//! there, not even where panics abort; one with some of them may. The executor knows when it makes
//! such a poll, and writes one event for all of these; anything else that happens in it is written
//! as ever. So a body that runs twice, or drops twice, is seen, and so is one that reads memory
//! that had to last until it was done: whenever a future is done, the executor changes what such
//! memory has.
//!
//! The size of a future, which with all passes is not larger than with none. What the compiler
//! warns of is the same. Both are compared at each level, with each panic strategy.
//!
//! # To add something that programs do
//!
//! Give it a variant in [`program`], a line in [`print`], a weight in [`generate`] and what is
//! smaller than it in [`reduce`]. A function of the runtime that writes an event is a call that no
//! compiler sees through.

mod arguments;
mod execution;
mod finding;
mod generate;
mod judge;
mod matrix;
mod print;
mod program;
mod progress;
mod random;
mod reduce;
mod report;
mod run;
mod runtime;
mod told;
mod trace;
mod workshop;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use measure::compiler::Compiler;
use measure::whole_file;
use which::which;

use crate::arguments::{Answer, Arguments};
use crate::matrix::Turns;
use crate::report::Report;
use crate::run::Run;
use crate::workshop::Tools;

/// The exit code of a run that could not be made.
const NO_RUN: u8 = 2;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(NO_RUN)
        }
    }
}

/// Does what the arguments say; whether nothing was found.
fn run(arguments: &Arguments) -> Result<bool> {
    if let Some(seed) = arguments.show {
        print(&workshop::whole_text(&generate::program(seed)));
        return Ok(true);
    }
    if let Some(file) = &arguments.json {
        whole_file::check(file)?;
    }
    let run = prepare(arguments)?;
    ctrlc::set_handler(execution::stop).context("cannot catch Ctrl-C")?;
    let report = run.run()?;
    if let Some(file) = &arguments.json {
        let json = report.json().context("cannot write the report as JSON")?;
        whole_file::write(file, &json)?;
    }
    finish(&report)
}

fn finish(report: &Report) -> Result<bool> {
    print(&report.table());
    if report.programs == 0 && report.interrupted && report.findings.is_empty() {
        bail!("the run was interrupted before a program was done");
    }
    let are_at_fault = report.are_passes_at_fault();
    if !are_at_fault && !report.findings.is_empty() {
        bail!("the passes are not at fault for what was found");
    }
    Ok(!are_at_fault)
}

/// Prints to standard output. That its reader stops early is no error.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Finds all that has to be there before the first program.
fn prepare(arguments: &Arguments) -> Result<Run> {
    let rustc = arguments.compiler.path()?;
    let compiler = Compiler::ask(&rustc)?;
    let known = &compiler.known_passes;
    let chosen = arguments.passes.chosen(known).map_err(|message| anyhow!(message))?;
    let matrix = matrix::matrix(&chosen, known, &arguments.levels());
    if matrix.is_empty() {
        bail!("no pass does anything at these levels; name others with --passes or --opt-level");
    }
    let valgrind = which("valgrind").ok();
    if valgrind.is_none() && arguments.memcheck > 0 {
        eprintln!("note: no program is run by memcheck, as valgrind is not installed");
    }
    let allocator = match &arguments.allocator {
        Some(library) => Some(
            library
                .canonicalize()
                .with_context(|| format!("cannot find the library `{}`", library.display()))?,
        ),
        None => None,
    };
    let into = arguments.target_dir();
    std::fs::create_dir_all(&into)
        .with_context(|| format!("cannot make the folder `{}`", into.display()))?;
    let jobs = match arguments.jobs {
        Some(jobs) => jobs,
        None => std::thread::available_parallelism().context("cannot count the processors")?,
    };
    Ok(Run {
        tools: Tools {
            rustc,
            allocator,
            checks: ["-Zvalidate-mir", "-Zlint-mir"].map(String::from).to_vec(),
            linker: Vec::new(),
            lld: lld(&compiler),
            has_passes: true,
            valgrind,
        },
        compiler,
        matrix,
        first_seed: arguments.seed,
        count: arguments.count(),
        time: arguments.minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0)),
        jobs: jobs.get(),
        batch: arguments.batch.get(),
        stop_at_first: arguments.stop_at_first,
        turns: if arguments.thin { Turns::THIN } else { Turns::WHOLE },
        sizes: arguments.sizes == Answer::Yes,
        memcheck: arguments.memcheck,
        into,
    })
}

/// A linker that is faster than the usual one, if there is one.
fn lld(compiler: &Compiler) -> Option<PathBuf> {
    let bin = compiler.sysroot.join("lib/rustlib").join(&compiler.host).join("bin/rust-lld");
    let versions = (15..40).rev().map(|version| format!("ld.lld-{version}"));
    let mut names = ["ld.lld".to_owned()].into_iter().chain(versions);
    if bin.is_file() { Some(bin) } else { names.find_map(|name| which(name).ok()) }
}
