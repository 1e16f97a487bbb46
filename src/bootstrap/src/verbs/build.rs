//! `x.py build`

use std::process::ExitCode;

use anyhow::Result;

use crate::rustc_bootstrap;
use crate::tree::{Checkout, Tree};

/// Build the compiler and its libraries; build/stage1 leads to them.
///
/// From nothing that takes about 15 minutes on two cores; after a change in one of our passes about
/// three. The sysroot has std for this host, and core and alloc for the bare-metal targets that
/// config.toml names.
#[derive(clap::Args)]
pub struct Arguments {
    /// Build the base without our files, in build/pristine, to measure against and to make the
    /// expected MIR of the default with
    #[arg(long)]
    pristine: bool,
}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        let _lock = tree.lock()?;
        let checkout = if self.pristine { Checkout::Pristine } else { Checkout::Patched };
        let sysroot = rustc_bootstrap::set_up(&tree, checkout)?.build()?;
        println!("the compiler is {}", sysroot.join("bin/rustc").display());
        Ok(ExitCode::SUCCESS)
    }
}
