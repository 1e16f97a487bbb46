//! The part of the command line that every tool has.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf, absolute};

use anyhow::{Context, Result};
use clap::{Args, ValueHint};

use crate::cargo_build::{CargoBuild, Profile, cargo_from_environment};
use crate::compiler::Compiler;
use crate::opt_level::OptLevel;
use crate::passes::{self, FLAG, PassChoice};

/// The folder of this package.
const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

/// How many folders the package is below the top of the repository.
const DEPTH: usize = 3;

/// The compiler to use.
#[derive(Debug, Args)]
pub struct CompilerArgument {
    /// The compiler [default: build/stage1/bin/rustc of the repository]
    #[arg(
        long,
        env = "RUSTC",
        hide_env_values = true,
        value_name = "PATH",
        value_hint = ValueHint::ExecutablePath
    )]
    pub rustc: Option<PathBuf>,
}

impl CompilerArgument {
    /// The compiler that is named, or that of the repository.
    ///
    /// A name without a folder is looked up in `PATH`. Any other becomes absolute: cargo runs in
    /// the folder of a project, where a relative path would be another.
    pub fn path(&self) -> Result<PathBuf> {
        let rustc = match &self.rustc {
            Some(path) => path.clone(),
            None => repository().join("build/stage1/bin/rustc"),
        };
        if rustc.components().count() > 1 {
            absolute(&rustc).context("cannot find the compiler")
        } else {
            Ok(rustc)
        }
    }
}

/// What to measure, and where the report goes.
///
/// With `mut_arg`, a tool gives `levels` their default, and `target_dir` its environment variable.
#[derive(Debug, Args)]
pub struct CommonArguments {
    #[command(flatten)]
    pub compiler: CompilerArgument,

    /// Build at this optimization level; several with commas between them
    #[arg(short = 'O', long = "opt-level", value_name = "LEVEL", value_delimiter = ',')]
    pub levels: Vec<OptLevel>,

    /// What to compare with the passes off: `all` passes, a list of some, or `each` one alone
    #[arg(long, value_name = "all|each|NAME,...", default_value = "all", long_help = passes_help())]
    pub passes: PassChoice,

    /// Write the result as JSON; `-` is stdout, and the table goes to stderr then
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub json: Option<PathBuf>,

    /// Write a bar chart of what is saved
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub svg: Option<PathBuf>,

    /// How many jobs cargo runs at once [default: as many as it wants]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// The folder to build in [default: one with the name of this tool in build/ of the repository]
    #[arg(long, hide_env_values = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub target_dir: Option<PathBuf>,

    /// Show what cargo says while it builds
    #[arg(short, long)]
    pub verbose: bool,
}

impl CommonArguments {
    /// Asks the compiler that is named, or that of the repository, what it is.
    pub fn compiler(&self) -> Result<Compiler> {
        Compiler::ask(&self.compiler.path()?)
    }

    /// How cargo is called for builds with `compiler` and this profile.
    pub fn cargo_build(&self, compiler: &Compiler, profile: Profile) -> CargoBuild {
        CargoBuild {
            cargo: cargo_from_environment(),
            rustc: compiler.path.clone(),
            profile,
            jobs: self.jobs,
            verbose: self.verbose,
        }
    }

    /// The optimization levels, each once.
    pub fn levels(&self) -> Vec<OptLevel> {
        unique(self.levels.iter().copied())
    }

    /// The folder to build in, as an absolute path; `tool` is the name of the one that builds.
    pub fn target_dir(&self, tool: &str) -> Result<PathBuf> {
        let folder = match &self.target_dir {
            Some(path) => path.clone(),
            None => repository().join("build").join(tool),
        };
        absolute(folder).context("cannot find the target folder")
    }
}

/// The repository that the tools were built from.
pub fn repository() -> &'static Path {
    let package = Path::new(PACKAGE);
    package.ancestors().nth(DEPTH).unwrap_or(package)
}

/// The items without those that were there before.
pub fn unique<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

fn passes_help() -> String {
    format!(
        "What to compare with the passes off:\n  \
         all            all passes together, as `-Z {FLAG}=no` has them\n  \
         at-all-levels  the same at opt-level 0, too, as `no-at-all-levels` has them\n  \
         each           all together, and each one that the compiler knows alone\n  \
         NAME,...       just these passes together\n\n\
         The passes are\n{}",
        passes::help()
    )
}

#[cfg(test)]
pub mod tests {
    use clap::Parser as _;

    use super::*;

    /// The command line of a tool that has no arguments of its own.
    #[derive(clap::Parser)]
    pub struct Line {
        #[command(flatten)]
        pub common: CommonArguments,
    }

    #[test]
    fn the_first_of_equals_stays() {
        assert_eq!(unique(["z", "3", "s", "z", "3"]), ["z", "3", "s"]);
    }

    #[test]
    fn the_default_folder_is_in_the_repository() {
        let folder = Line::parse_from(["tool"]).common.target_dir("async-none").unwrap();
        assert_eq!(folder, repository().join("build/async-none"));
        assert!(repository().join("rustfmt.toml").is_file());
        let given = Line::parse_from(["tool", "--target-dir", "here"]);
        assert!(given.common.target_dir("async-none").unwrap().is_absolute());
    }
}
