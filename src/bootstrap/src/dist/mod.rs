//! A toolchain that can be handed on: one archive with the sysroot and what it takes elsewhere.
//!
//! * [`toolchain`] says what is in it: the sysroot, the source of the standard library, and the
//!   libraries of this machine that the compiler is linked to, with their licences.
//! * [`elf`] reads which libraries a program needs, and turns where it looks for them.
//! * [`archive`] writes it down, with a [`Manifest`], so that the same tree gives the same bytes.

pub mod archive;
mod elf;
mod licences;
pub mod toolchain;

use std::collections::BTreeMap;

use serde::Serialize;

/// What an archive is made of, for those who have to tell one from another.
#[derive(Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// The top folder of the archive.
    pub name: String,
    /// What `rustc --version` says.
    pub rustc: String,
    /// The release of rustc that our files were laid over.
    pub base: String,
    /// The commit of this repository; `-dirty` if what was built is not what it has.
    pub commit: String,
    pub host: String,
    /// What it has a `core` for, the host included.
    pub targets: Vec<String>,
    pub llvm: String,
    /// The newest symbol versions that it asks for in the libraries of the other machine.
    pub needs: Vec<String>,
    /// What is in it of packages of this machine, with the package and its version.
    pub packages: BTreeMap<String, String>,
    /// The sha256 of each file.
    pub files: BTreeMap<String, String>,
}
