//! What a linked program takes in memory, read from the sections of its ELF file.
//!
//! One rule holds for every target, whatever the linker script names its sections:
//!
//! * flash: every section that is allocated and has contents in the file. That is code, constants,
//!   vector and unwind tables, and the load image of `.data`.
//! * RAM: every section that is allocated and writable: `.data`, `.bss` and the like.
//!
//! So `.data` counts in both, as it is copied from flash to RAM when the program starts. A section
//! without contents that is not writable, such as a gap that a linker script reserves, takes
//! neither. Nor does [`PADDING`], which has the rest of a page in programs for an operating system:
//! it would show every byte that is saved before it as one that is lost.
//!
//! What a poll takes of the stack is told by [`frames`], and by [`stack`] with what it calls.

use anyhow::{Context, Result, bail};
use object::elf::{FileHeader32, FileHeader64, SHF_ALLOC, SHF_WRITE, SHT_NOBITS};
use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, File, FileKind, Object as _, ObjectSymbol as _};
use serde::Serialize;

use crate::{frames, pools, stack};

/// The section that LLD fills the last page of read-only data with.
const PADDING: &[u8] = b".relro_padding";

/// The sizes of a program, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sizes {
    /// `.text` and sections named `.text.*`.
    pub text: u64,
    /// `.rodata` and sections named `.rodata.*`.
    pub rodata: u64,
    /// `.data` and sections named `.data.*`.
    pub data: u64,
    /// `.bss` and sections named `.bss.*`.
    pub bss: u64,
    /// What the program takes in flash, by the rule of this module.
    pub flash: u64,
    /// What the program takes in RAM without its stack, by the rule of this module.
    pub ram: u64,
    /// What of `ram` is reserved for tasks, as [`pools`] has it.
    pub pools: u64,
    /// The largest stack frame of a poll.
    pub frame: u64,
    /// The largest sum of stack frames along a chain of direct calls from a poll, as [`stack`] has
    /// it; none if the calls are not known.
    pub stack: Option<u64>,
    /// The code of async bodies, as [`debug_info`](crate::debug_info) has it; none if it was not
    /// asked for.
    #[serde(rename = "async", skip_serializing_if = "Option::is_none")]
    pub async_code: Option<u64>,
}

impl Sizes {
    /// The sizes of the ELF file whose bytes are `file`, but for the async code. Fails if it is no
    /// ELF file or is damaged.
    pub fn read(file: &[u8]) -> Result<Self> {
        let mut sizes = match FileKind::parse(file).context("not an ELF file")? {
            FileKind::Elf32 => Self::of_sections::<FileHeader32<Endianness>>(file),
            FileKind::Elf64 => Self::of_sections::<FileHeader64<Endianness>>(file),
            _ => bail!("not an ELF file"),
        }?;
        sizes.pools = pools::size(file)?;
        sizes.frame = frames::largest_of_polls(file)?;
        sizes.stack = stack::deepest_of_polls(file)?;
        Ok(sizes)
    }

    fn of_sections<Header: FileHeader<Endian = Endianness>>(file: &[u8]) -> Result<Self> {
        let header = Header::parse(file).context("damaged ELF header")?;
        let endian = header.endian().context("damaged ELF header")?;
        let sections = header.sections(endian, file).context("damaged ELF section table")?;
        let mut sizes = Sizes::default();
        for section in sections.iter() {
            let name = sections.section_name(endian, section).context("damaged section name")?;
            sizes.count(
                name,
                Section {
                    size: section.sh_size(endian).into(),
                    allocated: section.sh_flags(endian) & SHF_ALLOC == SHF_ALLOC,
                    writable: section.sh_flags(endian) & SHF_WRITE == SHF_WRITE,
                    has_contents: section.sh_type(endian) != SHT_NOBITS,
                },
            );
        }
        Ok(sizes)
    }

    fn count(&mut self, name: &[u8], section: Section) {
        if !section.allocated || name == PADDING {
            return;
        }
        if section.has_contents {
            self.flash += section.size;
        }
        if section.writable {
            self.ram += section.size;
        }
        if is_or_is_below(name, b".text") {
            self.text += section.size;
        } else if is_or_is_below(name, b".rodata") {
            self.rodata += section.size;
        } else if is_or_is_below(name, b".data") {
            self.data += section.size;
        } else if is_or_is_below(name, b".bss") {
            self.bss += section.size;
        }
    }
}

/// The size in bytes of the symbol `name` in the ELF file whose bytes are `file`, if it has one.
/// Fails if it is no ELF file or is damaged.
pub fn symbol_size(file: &[u8], name: &str) -> Result<Option<u64>> {
    let file = File::parse(file).context("damaged ELF file")?;
    Ok(file.symbol_by_name(name).map(|symbol| symbol.size()))
}

impl std::ops::AddAssign for Sizes {
    /// Adds every size. What one of both lacks is not known of the sum.
    fn add_assign(&mut self, other: Self) {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one? + other?);
        self.text += other.text;
        self.rodata += other.rodata;
        self.data += other.data;
        self.bss += other.bss;
        self.flash += other.flash;
        self.ram += other.ram;
        self.pools += other.pools;
        self.frame += other.frame;
        self.stack = sum(self.stack, other.stack);
        self.async_code = sum(self.async_code, other.async_code);
    }
}

/// What the rule looks at in a section.
struct Section {
    size: u64,
    allocated: bool,
    writable: bool,
    has_contents: bool,
}

/// Whether a section is the one called `group`, or has it as the first part of its name.
fn is_or_is_below(name: &[u8], group: &[u8]) -> bool {
    name.strip_prefix(group).is_some_and(|rest| rest.is_empty() || rest[0] == b'.')
}

#[cfg(test)]
mod tests {
    use object::write::Object;
    use object::{Architecture, BinaryFormat, SectionKind};

    use super::*;

    /// A file with a section of every kind that the rule tells apart, each of a size of its own.
    fn file(architecture: Architecture) -> Vec<u8> {
        let mut object = Object::new(BinaryFormat::Elf, architecture, Endianness::Little);
        for (name, kind, size) in [
            (".vector_table", SectionKind::ReadOnlyData, 1),
            (".text", SectionKind::Text, 20),
            (".text.late", SectionKind::Text, 300),
            (".textual", SectionKind::Text, 4000),
            (".rodata", SectionKind::ReadOnlyData, 50_000),
            (".data", SectionKind::Data, 600_000),
            (".bss", SectionKind::UninitializedData, 7_000_000),
            (".uninit", SectionKind::UninitializedData, 8_000_000),
            (".relro_padding", SectionKind::UninitializedData, 90_000_000),
            (".comment", SectionKind::Other, 9),
            (".debug_info", SectionKind::Debug, 9),
        ] {
            let section = object.add_section(Vec::new(), name.into(), kind);
            if kind == SectionKind::UninitializedData {
                object.append_section_bss(section, size, 1);
            } else {
                object.append_section_data(section, &vec![0; size as usize], 1);
            }
        }
        object.write().unwrap()
    }

    #[test]
    fn sections_count_by_the_rule() {
        let mut expected = Sizes {
            text: 320,
            rodata: 50_000,
            data: 600_000,
            bss: 7_000_000,
            flash: 654_321,
            ram: 15_600_000,
            ..Sizes::default()
        };
        assert_eq!(Sizes::read(&file(Architecture::X86_64)).unwrap(), expected);
        // It calls nothing.
        expected.stack = Some(0);
        assert_eq!(Sizes::read(&file(Architecture::Arm)).unwrap(), expected);
    }

    #[test]
    fn a_read_only_section_without_contents_takes_nothing() {
        let mut sizes = Sizes::default();
        let gap = Section { size: 5, allocated: true, writable: false, has_contents: false };
        sizes.count(b".rotext_gap", gap);
        assert_eq!(sizes, Sizes::default());
    }

    #[test]
    fn sizes_add_up_in_every_part() {
        let one = Sizes {
            text: 1,
            rodata: 2,
            data: 3,
            bss: 4,
            flash: 5,
            ram: 6,
            pools: 7,
            frame: 8,
            stack: Some(9),
            async_code: Some(10),
        };
        let mut sum = one;
        sum += one;
        let twice = [2, 4, 6, 8, 10, 12, 14, 16];
        let Sizes { text, rodata, data, bss, flash, ram, pools, frame, stack, async_code } = sum;
        assert_eq!([text, rodata, data, bss, flash, ram, pools, frame], twice);
        assert_eq!((stack, async_code), (Some(18), Some(20)));
        sum += Sizes { stack: None, ..one };
        assert_eq!((sum.stack, sum.async_code), (None, Some(30)));
    }

    #[test]
    fn other_files_are_errors() {
        assert!(Sizes::read(b"").is_err());
        assert!(Sizes::read(b"#!/bin/sh\nexit 0 # a script long enough for a header").is_err());
        let whole = file(Architecture::Arm);
        assert!(Sizes::read(&whole[..whole.len() / 2]).is_err());
    }
}
