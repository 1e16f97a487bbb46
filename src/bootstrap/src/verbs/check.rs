//! `x.py check`

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::series::Series;
use crate::tree::{Checkout, Tree};
use crate::{command, rustc_bootstrap};

/// The crates that have code of ours, but for those that these depend on.
const OURS: [&str; 3] =
    ["compiler/rustc_mir_transform", "compiler/rustc_monomorphize", "compiler/rustc_codegen_llvm"];

/// Check that the compiler compiles, without building it.
#[derive(clap::Args)]
pub struct Arguments {
    /// The crates to check, as paths in the tree of rustc
    #[arg(value_name = "PATH", default_values = OURS)]
    paths: Vec<String>,

    /// Check the compiler at each commit of the series that ./x.py export makes, in build/series;
    /// on two cores that takes about half an hour. What a later commit uses first is warned of
    #[arg(long, conflicts_with = "paths")]
    series: bool,
}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        let _lock = tree.lock()?;
        if self.series {
            return check_series(&tree);
        }
        let ready = rustc_bootstrap::set_up(&tree, Checkout::Patched)?;
        let sources = tree.sources(Checkout::Patched);
        for path in &self.paths {
            anyhow::ensure!(
                sources.join(path).join("Cargo.toml").is_file(),
                "{path} is no crate in the tree of rustc; one is compiler/rustc_mir_transform"
            );
        }
        let mut arguments = vec!["check"];
        arguments.extend(self.paths.iter().map(String::as_str));
        command::run(&mut ready.bootstrap(&arguments)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn check_series(tree: &Tree) -> Result<ExitCode> {
    let series = Series::read(tree.root())?;
    for (index, commit) in series.commits.iter().enumerate() {
        eprintln!("{}/{}: {}", index + 1, series.commits.len(), commit.subject);
        let ready = rustc_bootstrap::set_up_commit(tree, &series, index)?;
        command::run(&mut ready.bootstrap(&["check", "compiler"])?)
            .with_context(|| format!("the commit `{}` does not build alone", commit.name))?;
    }
    println!("each of {} commits builds alone", series.commits.len());
    Ok(ExitCode::SUCCESS)
}
