//! `x.py clean`

use std::process::ExitCode;

use anyhow::Result;

use crate::partial;
use crate::tree::{Checkout, Tree};

/// Remove what was built.
///
/// Sources and downloads stay unless they are asked for, so that the next build needs no network.
#[derive(clap::Args)]
pub struct Arguments {
    /// Remove the laid-out sources as well, edits included
    #[arg(long)]
    sources: bool,
    /// Remove all of build/ but what is running
    #[arg(long)]
    all: bool,
}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        let _lock = tree.lock()?;
        let mut paths = Vec::new();
        for checkout in Checkout::ALL {
            paths.extend([tree.output(checkout), tree.sysroot(checkout)]);
            if self.sources || self.all {
                paths.extend([tree.sources(checkout), tree.bootstrap_config(checkout)]);
            }
        }
        paths.extend(
            ["async-bench", "async-size", "dist", "export", "fuzz"]
                .map(|name| tree.build().join(name)),
        );
        if self.all {
            let all = ["base", "download", "mistaken", "pristine", "series"];
            paths.extend(all.map(|name| tree.build().join(name)));
        }
        for path in paths.iter().filter(|path| path.symlink_metadata().is_ok()) {
            partial::remove(path)?;
            println!("removed {}", path.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
