//! `x.py fmt`

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};
use which::which;

use crate::base::Pin;
use crate::overlay::{self, Overlay};
use crate::tree::Tree;
use crate::{command, stage0};

/// Format our Rust code.
///
/// That is the tools, the programs that they measure, and what goes into the compiler and the
/// library. Tests keep the form that they were written in, as in rustc.
#[derive(clap::Args)]
pub struct Arguments {
    /// Change nothing, and fail if something is not formatted
    #[arg(long)]
    check: bool,
}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        let rustc = stage0::find(&tree, &Pin::read()?)?.rustc;
        let rustfmt = match rustc.with_file_name("rustfmt") {
            beside if beside.is_file() => beside,
            _ => which("rustfmt").unwrap_or_default(),
        };
        ensure!(
            rustfmt.is_file(),
            "there is no rustfmt beside {} nor on the PATH; install it (rustup component add \
             rustfmt, or apt-get install rustfmt)",
            rustc.display()
        );
        let mut format = Command::new(rustfmt);
        format.arg("--edition=2024").arg("--config-path").arg(tree.root().join("rustfmt.toml"));
        // Each file alone: those for the compiler name modules that only the whole tree has.
        format.args(files(&tree)?);
        if self.check {
            format.arg("--check");
        }
        if !command::status(&mut format)?.success() {
            ensure!(self.check, "rustfmt failed");
            eprintln!("error: not everything is formatted; ./x.py fmt does that");
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Every Rust file of ours that is formatted.
fn files(tree: &Tree) -> Result<Vec<PathBuf>> {
    let laid_out = Overlay::read(tree.root(), &["compiler", "library"])?.files.into_keys();
    let mut files: Vec<PathBuf> = laid_out.map(|path| tree.root().join(path)).collect();
    for folder in ["src/bootstrap", "src/tools"] {
        let folder = tree.root().join(folder);
        if folder.is_dir() {
            files.extend(overlay::files_below(&folder)?);
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    Ok(files)
}
