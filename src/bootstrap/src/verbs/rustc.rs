//! `x.py rustc`

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::tree::{Checkout, Tree};
use crate::{command, rustc_bootstrap, verbs};

/// Run the built compiler, after building it if need be.
///
/// For example: ./x.py rustc -- -Zasync-returned-panic=no --edition 2024 -O main.rs
#[derive(clap::Args)]
pub struct Arguments {
    /// Run the base without our files (build/pristine) instead
    #[arg(long)]
    pristine: bool,
    /// What the compiler gets, behind `--`
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        let checkout = if self.pristine { Checkout::Pristine } else { Checkout::Patched };
        let sysroot = {
            let _lock = tree.lock()?;
            rustc_bootstrap::set_up(&tree, checkout)?.build()?
        };
        let mut rustc = Command::new(sysroot.join("bin/rustc"));
        Ok(verbs::same_code(command::status(rustc.args(self.arguments))?))
    }
}
