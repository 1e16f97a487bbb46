//! `x.py toolchain`

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use which::which;

use crate::tree::{Checkout, Tree};
use crate::{command, rustc_bootstrap};

/// Make the built compiler a toolchain of rustup.
///
/// Then `cargo +lean-async build` uses it, with the cargo of rustup's nightly, beta or stable
/// toolchain, the first that is installed. For other machines there is ./x.py dist.
#[derive(clap::Args)]
pub struct Arguments {
    /// What rustup shall call it
    #[arg(long, value_name = "NAME", default_value = "lean-async")]
    name: String,
}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        if which("rustup").is_err() {
            bail!(
                "there is no rustup on the PATH; without it, let cargo use the compiler by \
                 setting\n    RUSTC={}",
                tree.sysroot(Checkout::Patched).join("bin/rustc").display()
            );
        }
        let _lock = tree.lock()?;
        let sysroot = rustc_bootstrap::set_up(&tree, Checkout::Patched)?.build()?;
        let mut link = Command::new("rustup");
        command::run(link.args(["toolchain", "link", &self.name]).arg(&sysroot))?;
        println!("cargo +{} build now uses {}", self.name, sysroot.display());
        Ok(ExitCode::SUCCESS)
    }
}
