//! `x.py check`

use std::process::ExitCode;

use anyhow::Result;

use crate::tree::{Checkout, Tree};
use crate::{command, rustc_bootstrap};

/// Check that the compiler compiles, without building it.
#[derive(clap::Args)]
pub struct Arguments {
    /// The crates to check, as paths in the tree of rustc
    #[arg(value_name = "PATH", default_value = "compiler/rustc_mir_transform")]
    paths: Vec<String>,
}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        let _lock = tree.lock()?;
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
        command::run(&mut ready.bootstrap(&arguments))?;
        Ok(ExitCode::SUCCESS)
    }
}
