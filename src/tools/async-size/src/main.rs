//! Measures what the passes of `-Z async-returned-panic=no` save in the flash and RAM of firmware.
//!
//! Every binary of a cargo project is built with the passes off and on, and the sections of the two
//! ELF files are compared. The [`passes`] are one table; [`elf`] has the rule of what flash and RAM
//! are; [`measurement`] is the run.

mod arguments;
mod build_folder;
mod cargo_build;
mod compiler;
mod elf;
mod linker;
mod measurement;
mod opt_level;
mod passes;
mod progress;
mod project;
mod report;
mod rustflags;
mod whole_file;

use std::io::{ErrorKind, Write, stderr, stdout};
use std::path::{Path, absolute};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::arguments::Arguments;
use crate::cargo_build::{CargoBuild, cargo_from_environment};
use crate::compiler::Compiler;
use crate::measurement::Measurement;
use crate::project::{Filter, Project};
use crate::report::{Report, json, svg, table};

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(report) if report.failed.is_empty() => ExitCode::SUCCESS,
        Ok(_) => {
            eprintln!("error: not all binaries were measured");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures what the arguments say and writes the report.
fn run(arguments: &Arguments) -> Result<Report> {
    let json_file = arguments.json.as_deref().filter(|path| *path != Path::new("-"));
    for file in [json_file, arguments.svg.as_deref()].into_iter().flatten() {
        whole_file::check(file)?;
    }
    let report = prepare(arguments)?.run()?;

    let table = table::render(&report);
    if arguments.json.is_some() {
        let json = json::render(&report).context("cannot write the report as JSON")?;
        match json_file {
            Some(file) => whole_file::write(file, &json)?,
            None => print(stdout(), &json)?,
        }
    }
    if let Some(file) = &arguments.svg {
        whole_file::write(file, &svg::render(&report))?;
    }
    if arguments.json.is_some() && json_file.is_none() {
        print(stderr(), &table)?;
    } else {
        print(stdout(), &table)?;
    }
    Ok(report)
}

/// Asks the compiler and cargo all that has to be known before the first build.
fn prepare(arguments: &Arguments) -> Result<Measurement> {
    // Cargo runs in the folder of the project, where a relative path would be another.
    let mut rustc = arguments.rustc();
    if rustc.components().count() > 1 {
        rustc = absolute(&rustc).context("cannot find the compiler")?;
    }
    let compiler = Compiler::ask(&rustc)?;
    let variants = arguments.passes.variants(&compiler.known_passes)?;

    let manifest = arguments.manifest();
    let manifest = manifest
        .canonicalize()
        .with_context(|| format!("cannot find the project `{}`", manifest.display()))?;
    let cargo = cargo_from_environment();
    let filter =
        Filter { packages: arguments.packages.clone(), binaries: arguments.binaries.clone() };
    let project = Project::load(&cargo, &manifest, &filter)?;
    Ok(Measurement {
        cargo: CargoBuild {
            cargo,
            rustc: compiler.path.clone(),
            jobs: arguments.jobs,
            verbose: arguments.verbose,
        },
        compiler,
        project,
        targets: arguments.targets(),
        levels: arguments.levels(),
        variants,
        target_dir: absolute(arguments.target_dir()).context("cannot find the target folder")?,
    })
}

/// Writes a report to a stream. That its reader stops early is no error.
fn print(mut stream: impl Write, text: &str) -> Result<()> {
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the report")
        }
        _ => Ok(()),
    }
}
