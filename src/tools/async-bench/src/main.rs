//! Measures what the passes of `-Z async-returned-panic=no` save when programs run.
//!
//! The [`programs`] are built with the passes off and on, at every opt-level and with each panic
//! strategy. Then valgrind counts the instructions of each, see [`callgrind`], the program says
//! what it allocates, see [`output`], and the time is taken of runs that take turns, see
//! [`statistics`]. [`measurement`] is the whole of it.

mod arguments;
mod callgrind;
mod execution;
mod measurement;
mod output;
mod programs;
mod report;
mod statistics;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use measure::cargo_build::Profile;
use measure::project::{Filter, Project};

use crate::arguments::Arguments;
use crate::callgrind::Valgrind;
use crate::measurement::Measurement;
use crate::report::{json, svg, table};

/// The name of this tool, and of the folder that it builds in.
const NAME: &str = "async-bench";

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures what the arguments say and writes the report.
fn run(arguments: &Arguments) -> Result<()> {
    arguments.common.check_files()?;
    let report = prepare(arguments)?.run()?;
    arguments.common.write(&table::render(&report), json::render(&report), &svg::render(&report))
}

/// Finds all that has to be there before the first build.
fn prepare(arguments: &Arguments) -> Result<Measurement> {
    let choices = programs::choose(&arguments.programs, &arguments.modes, &arguments.panics)?;
    let valgrind = Valgrind::find()?;
    let compiler = arguments.common.compiler()?;
    let variants = arguments.common.passes.variants(&compiler.known_passes)?;
    // Without LTO: so the standard library stays as it is, and only the programs differ.
    let cargo = arguments.common.cargo_build(&compiler, Profile::NoLto);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/Cargo.toml");
    let packages = choices.iter().map(|choice| choice.program.package.to_owned()).collect();
    let project =
        Project::load(&cargo.cargo, &manifest, &Filter { packages, binaries: Vec::new() })?;
    Ok(Measurement {
        compiler,
        cargo,
        project,
        valgrind,
        choices,
        levels: arguments.common.levels(),
        variants,
        pairs: arguments.pairs(),
        target_dir: arguments.common.target_dir(NAME)?,
    })
}
