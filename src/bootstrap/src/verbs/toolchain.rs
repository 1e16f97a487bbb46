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
    #[arg(long, value_name = "NAME", default_value = "lean-async", value_parser = name)]
    name: String,
}

/// A name that rustup can make a folder of: it gives no reason why it refuses others.
fn name(name: &str) -> Result<String, &'static str> {
    match name.is_empty() || name.contains(['/', '\\']) {
        true => Err("rustup makes a folder of the name, so it can have no slash"),
        false => Ok(name.to_owned()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_has_no_slash_in_its_name() {
        assert_eq!(name("lean-async").as_deref(), Ok("lean-async"));
        assert!(["", "a/b"].iter().all(|refused| name(refused).is_err()));
    }
}
