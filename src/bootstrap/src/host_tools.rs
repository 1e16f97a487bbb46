//! Our own tools, which run on this machine and are built by stage 0.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command;
use crate::stage0::Stage0;
use crate::tree::Tree;

/// The packages in our workspace, with their folders.
pub const PACKAGES: [(&str, &str); 5] = [
    ("bootstrap", "src/bootstrap"),
    ("async-bench", "src/tools/async-bench"),
    ("async-fuzz", "src/tools/async-fuzz"),
    ("async-size", "src/tools/async-size"),
    ("measure", "src/tools/measure"),
];

/// Cargo's subcommand `verb` for our workspace.
pub fn cargo(tree: &Tree, stage0: &Stage0, verb: &str) -> Command {
    let mut cargo = Command::new(&stage0.cargo);
    cargo.arg(verb).arg("--manifest-path").arg(tree.root().join("Cargo.toml"));
    cargo.env("RUSTC", &stage0.rustc);
    if verb != "fmt" {
        cargo.arg("--locked").arg("--target-dir").arg(target_dir(tree));
    }
    // `cargo fmt` looks beside itself, too.
    let bin = stage0.cargo.parent().unwrap_or(Path::new("."));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = [bin.to_owned()].into_iter().chain(std::env::split_paths(&path));
    if let Ok(path) = std::env::join_paths(path) {
        cargo.env("PATH", path);
    }
    cargo
}

/// Builds `tool` and returns a command that runs it.
pub fn build(tree: &Tree, stage0: &Stage0, tool: &str) -> Result<Command> {
    command::run(cargo(tree, stage0, "build").args(["--quiet", "--release", "--package", tool]))?;
    Ok(Command::new(target_dir(tree).join("release").join(tool)))
}

fn target_dir(tree: &Tree) -> std::path::PathBuf {
    tree.build().join("tools")
}
