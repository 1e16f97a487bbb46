//! What the dynamic loader reads in a program or library: which libraries it needs, and the run
//! path, in which it looks for them.
//!
//! Rustc's bootstrap and the packages of LLVM have a run path of `$ORIGIN/../lib`, and leave all
//! that is not there to the machine. [`Elf::look_in`] turns it. Two things make that as small a
//! change as it can be: the new path takes the place of the old one, so it must not be longer, and
//! the entry that names it gets another tag. `DT_RUNPATH` is for what the file itself needs;
//! `DT_RPATH` is also for what its libraries need, most of which have no run path of their own, and
//! comes before `LD_LIBRARY_PATH`, with which rustup and cargo run a compiler.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use object::Endianness;
use object::elf::{DT_NEEDED, DT_RPATH, DT_RUNPATH, FileHeader64, SHT_DYNSYM};
use object::read::elf::{Dyn, FileHeader, SectionHeader, Sym};

/// Bytes that take the place of others in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Edit {
    pub offset: usize,
    pub bytes: Vec<u8>,
}

/// The newest version that is asked for of each kind of versioned symbol, such as `GLIBC`.
pub type Versions = BTreeMap<String, Vec<u32>>;

/// A program or library.
pub struct Elf {
    /// The names of the libraries that it needs.
    pub needed: Vec<String>,
    /// The versions of symbols that it asks for, by the name of the library that has them.
    pub versions: BTreeMap<String, Versions>,
    run_path: Option<RunPath>,
}

/// A run path, and where its parts lie in the file.
struct RunPath {
    path: String,
    text: usize,
    /// Where its entry in the dynamic section is.
    entry: usize,
    /// Whether another string is the end of this one.
    shared: bool,
}

impl Elf {
    /// Reads `content`. `None` if that is no ELF file, or one without a dynamic section.
    pub fn read(content: &[u8]) -> Result<Option<Elf>> {
        if !content.starts_with(b"\x7fELF") {
            return Ok(None);
        }
        let header = FileHeader64::<Endianness>::parse(content)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, content)?;
        let Some((entries, link)) = sections.dynamic(endian, content)? else { return Ok(None) };
        let strings = sections.strings(endian, content, link)?;
        let at = |offset: u64| usize::try_from(offset).context("it is too large");
        let first_string = at(sections.section(link)?.sh_offset(endian))?;

        let mut needed = Vec::new();
        let mut run_path = None;
        for entry in entries {
            let tag = entry.d_tag(endian);
            if ![DT_NEEDED, DT_RPATH, DT_RUNPATH].contains(&tag) {
                continue;
            }
            let text = String::from_utf8(entry.string(endian, strings)?.to_vec())?;
            if tag == DT_NEEDED {
                needed.push(text);
                continue;
            }
            ensure!(run_path.is_none(), "it has two run paths");
            let start = entry.d_val(endian);
            let end = start + text.len() as u64;
            let symbols = sections.symbols(endian, content, SHT_DYNSYM)?;
            let shared = symbols.iter().any(|symbol| {
                let name = u64::from(symbol.st_name(endian));
                start < name && name < end
            });
            run_path = Some(RunPath {
                path: text,
                text: first_string + at(start)?,
                entry: std::ptr::from_ref(entry).addr() - content.as_ptr().addr(),
                shared,
            });
        }

        let mut versions = BTreeMap::<_, Versions>::new();
        if let Some((mut libraries, link)) = sections.gnu_verneed(endian, content)? {
            let strings = sections.strings(endian, content, link)?;
            while let Some((library, mut symbols)) = libraries.next()? {
                let name = str::from_utf8(library.file(endian, strings)?)?.to_owned();
                let newest = versions.entry(name).or_default();
                while let Some(symbol) = symbols.next()? {
                    note_version(newest, str::from_utf8(symbol.name(endian, strings)?)?);
                }
            }
        }
        Ok(Some(Elf { needed, versions, run_path }))
    }

    /// What has the loader look in `path`, and nowhere else, for what this file and its libraries
    /// need. A file without a run path is left to those that need it.
    pub fn look_in(&self, path: &str) -> Result<Vec<Edit>> {
        let Some(run_path) = &self.run_path else { return Ok(Vec::new()) };
        let RunPath { path: old, shared, .. } = run_path;
        ensure!(path.len() <= old.len(), "its run path {old} has no room for {path}");
        ensure!(!shared, "the end of its run path {old} is the name of a symbol, too");
        let mut text = path.as_bytes().to_vec();
        text.resize(old.len(), 0);
        // Every host that we know has the low byte first.
        let tag = DT_RPATH.0.to_le_bytes().to_vec();
        Ok(vec![
            Edit { offset: run_path.entry, bytes: tag },
            Edit { offset: run_path.text, bytes: text },
        ])
    }

    /// Whether it has a run path.
    pub fn has_run_path(&self) -> bool {
        self.run_path.is_some()
    }
}

/// Notes `version`, such as `GLIBC_2.34`. One without a number, as `GLIBC_PRIVATE`, is not noted.
fn note_version(newest: &mut Versions, version: &str) {
    let Some((kind, number)) = version.rsplit_once('_') else { return };
    let number: Result<Vec<u32>, _> = number.split('.').map(str::parse).collect();
    if let Ok(number) = number {
        let known = newest.entry(kind.to_owned()).or_default();
        *known = number.max(std::mem::take(known));
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::command;

    /// A library that needs the C library, linked with these arguments.
    fn library(arguments: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let code = folder.path().join("code.c");
        std::fs::write(&code, "int puts(const char *); int lib() { return puts(\"\"); }").unwrap();
        let file = folder.path().join("library.so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(&file).arg(&code).args(arguments);
        command::output(&mut cc).unwrap();
        std::fs::read(file).unwrap()
    }

    fn read(content: &[u8]) -> Elf {
        Elf::read(content).unwrap().unwrap()
    }

    #[test]
    fn a_run_path_is_turned_and_nothing_else() {
        let before = library(&["-Wl,--enable-new-dtags,-rpath,$ORIGIN/../so"]);
        let mut after = before.clone();
        for Edit { offset, bytes } in read(&before).look_in("$ORIGIN/llvm").unwrap() {
            after[offset..offset + bytes.len()].copy_from_slice(&bytes);
        }
        let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        assert!((1..=14).contains(&changed), "{changed} bytes have changed");
        assert_eq!(read(&after).run_path.unwrap().path, "$ORIGIN/llvm");
        assert_eq!(read(&after).needed, ["libc.so.6"]);
        assert_eq!(read(&after).versions, read(&before).versions);
        let (tag, _) = after[read(&after).run_path.unwrap().entry..].split_at(8);
        assert_eq!(tag, DT_RPATH.0.to_le_bytes());
    }

    #[test]
    fn a_run_path_without_room_is_left_and_named() {
        let error = read(&library(&["-Wl,-rpath,/short"])).look_in("$ORIGIN/llvm").unwrap_err();
        assert_eq!(error.to_string(), "its run path /short has no room for $ORIGIN/llvm");
        // The library has a function of that name, for which the linker needs no other string.
        let error = read(&library(&["-Wl,-rpath,$ORIGIN/../lib"])).look_in("$ORIGIN/llvm");
        assert!(error.unwrap_err().to_string().contains("is the name of a symbol"));
    }

    #[test]
    fn what_has_no_run_path_is_left_alone() {
        let elf = read(&library(&[]));
        assert!(!elf.has_run_path());
        assert_eq!(elf.look_in("$ORIGIN").unwrap(), []);
    }

    #[test]
    fn what_is_no_elf_file_is_none() {
        assert!(Elf::read(b"!<arch>\n").unwrap().is_none());
        assert!(Elf::read(b"\x7fELF and no more").is_err());
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let mut newest = Versions::new();
        for version in ["GLIBC_2.4", "GLIBC_2.34", "GLIBC_2.5", "GLIBC_PRIVATE", "GCC_4.2.0"] {
            note_version(&mut newest, version);
        }
        let expected = [("GCC", vec![4, 2, 0]), ("GLIBC", vec![2, 34])];
        assert_eq!(newest, expected.map(|(kind, version)| (kind.to_owned(), version)).into());
    }
}
