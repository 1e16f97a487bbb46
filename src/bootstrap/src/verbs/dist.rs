//! `x.py dist`

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::base::{self, Pin};
use crate::dist::Manifest;
use crate::dist::archive;
use crate::dist::toolchain::{Entry, Toolchain};
use crate::overlay::{self, Overlay};
use crate::rustc_bootstrap::{self, Ready};
use crate::tree::{Checkout, Tree};
use crate::{command, stage0};

/// The page that tells how to use the archive.
const PAGE: &str = include_str!("../../toolchain.md");

/// The page of the flag.
const FLAG: &str = "src/doc/unstable-book/src/compiler-flags/async-returned-panic.md";

/// Pack the built compiler for other machines, after building it if need be.
///
/// The archive in build/dist is a toolchain that rustup can link: the compiler with the libraries
/// that it needs, rust-lld, the standard library for this host, core and alloc for the bare-metal
/// targets that config.toml names, and their source. Its manifest lies beside it. The same tree
/// gives the same archive. src/bootstrap/toolchain.md tells how to use it.
#[derive(clap::Args)]
pub struct Arguments {}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        let _lock = tree.lock()?;
        let ready = rustc_bootstrap::set_up(&tree, Checkout::Patched)?;
        let sysroot = ready.build()?;
        let sources = tree.sources(Checkout::Patched);
        let mut toolchain = {
            let _progress = base::working("looking at what the compiler needs");
            Toolchain::of(&sysroot, &ready.stage0.host, &sources)?
        };
        let flag = std::fs::read_to_string(tree.root().join(FLAG)).context(FLAG)?;
        let pages = [("README.md", PAGE.to_owned()), ("async-returned-panic.md", flag)];
        for (name, page) in pages {
            let path = format!("share/doc/lean-async/{name}");
            toolchain.entries.insert(path, Entry::Text(page));
        }
        let manifest = manifest(&tree, &ready, &sysroot, &toolchain)?;
        let needs = manifest.needs.join(", ");
        let folder = tree.build().join("dist");
        let time = time_of_commit(tree.root());
        let (archive, sha256) = archive::write(&toolchain, manifest, time, &folder)?;

        if !toolchain.left_out.is_empty() {
            println!("left out, for the libraries they need: {}", toolchain.left_out.join(", "));
        }
        println!("the other machine must have {needs}");
        let size = std::fs::metadata(&archive)?.len();
        println!("{} ({:.0} MB)\nsha256 {sha256}", archive.display(), size as f64 / 1e6);
        Ok(ExitCode::SUCCESS)
    }
}

/// What `toolchain` is made of. The hashes of its files come in when they are packed.
fn manifest(tree: &Tree, ready: &Ready, sysroot: &Path, toolchain: &Toolchain) -> Result<Manifest> {
    let rustc = sysroot.join("bin/rustc");
    let about = command::output(Command::new(&rustc).arg("-vV"))?;
    let field =
        |name: &str| stage0::field(&about, name).with_context(|| rustc.display().to_string());
    let (release, host) = (field("release")?, field("host")?);
    let overlay = Overlay::read(tree.root(), &overlay::LAID_OUT)?;
    let edited = overlay::differs(&overlay, &ready.base, &tree.sources(Checkout::Patched))?;
    Ok(Manifest {
        name: format!("lean-async-{release}-{host}"),
        rustc: release.to_owned(),
        base: Pin::read()?.rust_version,
        commit: commit(tree.root(), edited),
        host: host.to_owned(),
        targets: toolchain.targets.iter().cloned().collect(),
        llvm: field("LLVM version")?.to_owned(),
        needs: toolchain.needs.clone(),
        packages: toolchain.packages.clone(),
        files: Default::default(),
    })
}

/// The commit that the repository at `root` is at. It is `-dirty` if there are changes since, or if
/// what is laid out is `edited`; without git it is unknown.
fn commit(root: &Path, edited: bool) -> String {
    let git = |arguments: &[&str]| {
        command::output(Command::new("git").args(arguments).current_dir(root)).ok()
    };
    let Some(commit) = git(&["rev-parse", "HEAD"]) else { return String::from("unknown") };
    let clean =
        !edited && git(&["status", "--porcelain"]).is_some_and(|changes| changes.is_empty());
    format!("{}{}", commit.trim(), if clean { "" } else { "-dirty" })
}

/// When the commit that the repository at `root` is at was made, in seconds since 1970; without git
/// the first of them.
fn time_of_commit(root: &Path) -> u64 {
    let mut git = Command::new("git");
    let time = command::output(git.args(["log", "-1", "--format=%ct"]).current_dir(root));
    time.ok().and_then(|time| time.trim().parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_dirty_with_any_change_here_or_where_our_files_are_laid_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let git = |arguments: &[&str]| {
            let identity =
                ["-c", "user.name=a", "-c", "user.email=b", "-c", "commit.gpgSign=false"];
            let mut git = Command::new("git");
            git.args(identity).args(arguments).current_dir(root);
            // The folder may lie in another repository.
            command::output(git.env("GIT_CEILING_DIRECTORIES", root.parent().unwrap())).unwrap()
        };
        git(&["init", "--quiet"]);
        std::fs::write(root.join("file"), "1").unwrap();
        git(&["add", "file"]);
        git(&["commit", "--quiet", "--message", "one", "--date", "2026-01-01T00:00:00Z"]);
        let hash = git(&["rev-parse", "HEAD"]).trim().to_owned();
        assert_eq!(commit(root, false), hash);
        assert_eq!(commit(root, true), format!("{hash}-dirty"));
        std::fs::write(root.join("new"), "2").unwrap();
        assert_eq!(commit(root, false), format!("{hash}-dirty"));
        assert_eq!(time_of_commit(root).to_string(), git(&["log", "-1", "--format=%ct"]).trim());
    }

    #[test]
    fn without_git_the_commit_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(commit(&folder.path().join("gone"), false), "unknown");
        assert_eq!(time_of_commit(&folder.path().join("gone")), 1);
    }
}
