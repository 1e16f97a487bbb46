//! Measures what the passes of `-Z async-returned-panic=no` save in the flash and RAM of firmware.
//!
//! Every binary of a cargo project is built with the passes off and on, and the sections of the two
//! ELF files are compared. [`measure::elf`] has the rule of what flash and RAM are; [`measurement`]
//! is the run. With `--async-share` the builds have debug info, and it is told how much of each
//! binary [is async code](measure::debug_info). Or, with `--complaints`, [small
//! programs](complaints) are compiled instead of a project. With `--compare-passes` each pass is
//! switched off in turn, and [what is worse with it](compare) is found. Or, with `--awaits`,
//! nothing is built, and it is counted what shares [a suspension point](awaits); or, with
//! `--compile-time`, it is measured [what the builds take](compile_time). With `--futures` it is
//! told [what is in each future](futures).

mod arguments;
mod awaits;
mod compare;
mod compile_time;
mod complaints;
mod futures;
mod linker;
mod measurement;
mod report;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::project::{Filter, Project};

use crate::arguments::Arguments;
use crate::measurement::Measurement;
use crate::report::{json, svg, table};

/// The name of this tool, and of the folder that it builds in.
const NAME: &str = "async-size";

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: not all binaries were measured");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures what the arguments say and writes the report; whether nothing is missing in it.
fn run(arguments: &Arguments) -> Result<bool> {
    arguments.common.check_files()?;
    if arguments.complaints {
        complaints::run(arguments)?;
        return Ok(true);
    }
    let measurement = prepare(arguments)?;
    if arguments.awaits {
        awaits::run(arguments, &measurement)?;
        return Ok(true);
    }
    if arguments.compile_time {
        compile_time::run(arguments, &measurement)?;
        return Ok(true);
    }
    if arguments.futures.is_asked() {
        futures::run(arguments, &measurement)?;
        return Ok(true);
    }
    let report = measurement.run()?;
    if arguments.compare_passes {
        compare::report(arguments, &compare::Comparison::of_project(&report))?;
        return Ok(true);
    }
    arguments.common.write(
        &table::render(&report),
        json::render(&report),
        &svg::render(&report),
    )?;
    Ok(report.failed.is_empty())
}

/// Asks the compiler and cargo all that has to be known before the first build.
fn prepare(arguments: &Arguments) -> Result<Measurement> {
    let compiler = arguments.common.compiler()?;
    let variants = arguments.variants(&compiler)?;

    let manifest = arguments.manifest();
    let manifest = manifest
        .canonicalize()
        .with_context(|| format!("cannot find the project `{}`", manifest.display()))?;
    let cargo = arguments.common.cargo_build(&compiler, arguments.profile());
    let filter =
        Filter { packages: arguments.packages.clone(), binaries: arguments.binaries.clone() };
    let project = Project::load(&cargo.cargo, &manifest, &filter)?;
    let (levels, panic) = if arguments.own_profile {
        let own = project.release_profile()?;
        (vec![own.level], own.panic)
    } else if arguments.futures.is_asked() {
        (vec![OptLevel::Z], Some(PanicStrategy::Abort))
    } else {
        (vec![OptLevel::Z, OptLevel::S], Some(PanicStrategy::Abort))
    };
    let panics = match arguments.panics() {
        none if none.is_empty() => vec![panic],
        asked => asked.into_iter().map(Some).collect(),
    };
    Ok(Measurement {
        cargo,
        compiler,
        project,
        targets: arguments.targets(),
        levels: arguments.levels(&levels),
        panics,
        variants,
        async_share: arguments.async_share,
        target_dir: arguments.common.target_dir(NAME)?,
    })
}
