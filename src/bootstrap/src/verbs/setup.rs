//! `x.py setup`

use std::process::ExitCode;

use anyhow::Result;

use crate::base::{self, Pin};
use crate::overlay;
use crate::rustc_bootstrap;
use crate::tree::{Checkout, Tree};

/// Bring in the base and lay our files over it.
///
/// Every other verb does that when it is needed. What is done is not done again, and an edit in
/// build/src is never overwritten unless --discard is given.
#[derive(clap::Args)]
pub struct Arguments {
    /// Put build/src back to what this repository says, edits included
    #[arg(long)]
    discard: bool,
    /// Set up build/pristine/src, the base without our files, instead
    #[arg(long)]
    pristine: bool,
}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        let _lock = tree.lock()?;
        let checkout = if self.pristine { Checkout::Pristine } else { Checkout::Patched };
        if self.discard {
            let base = base::bring_in(&tree, &Pin::read()?)?;
            let sources = tree.sources(checkout);
            overlay::copy_base(&base, &sources)?;
            overlay::discard(&base, &sources, &overlay::LAID_OUT)?;
        }
        rustc_bootstrap::set_up(&tree, checkout)?;
        println!("{} is ready", tree.sources(checkout).display());
        Ok(ExitCode::SUCCESS)
    }
}
