//! What functions take of the stack, as the compiler tells it with [`FLAG`].
//!
//! It writes a section with the address of each function and the size of its frame, which linkers
//! keep beside the program: it takes no memory. What a function calls is not in its frame, and no
//! sum over calls is made, as programs poll through vtables.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use object::{
    Architecture, File, Object, ObjectKind, ObjectSection, ObjectSymbol, RelocationTarget,
    SectionIndex, SymbolKind,
};
use rustc_demangle::demangle;

/// The flag for rustc that has it tell the sizes of frames.
pub const FLAG: &str = "-Zemit-stack-sizes";

/// The section that has them.
const SECTION: &str = ".stack_sizes";

/// The size in bytes of the largest frame of a poll in the ELF file whose bytes are `file`; 0 if
/// there is none, or if the file was built without [`FLAG`].
///
/// Fails if it is no ELF file or is damaged.
pub fn largest_of_polls(file: &[u8]) -> Result<u64> {
    let frames = frames(file)?;
    let polls = frames.iter().filter(|(name, _)| is_poll(&format!("{:#}", demangle(name))));
    Ok(polls.map(|(_, size)| *size).max().unwrap_or(0))
}

/// Whether a function is one that an async body ends up in: a `poll`, or a closure, as the poll of
/// an async body is named. `name` is its path without a hash.
fn is_poll(name: &str) -> bool {
    let last = last_segment(name);
    last == "poll" || last.starts_with("{closure") || last.starts_with("{{closure")
}

/// The last part of a path, without generic arguments: colons in these part nothing.
fn last_segment(name: &str) -> &str {
    let mut depth = 0;
    let mut end = name.len();
    for (index, part) in name.rmatch_indices(['<', '>', ':']) {
        match part {
            // Arrows are no brackets.
            ">" if !name[..index].ends_with('-') => depth += 1,
            "<" => {
                depth -= 1;
                if depth == 0 && name[..index].ends_with("::") {
                    end = index - 2;
                }
            }
            ":" if depth == 0 && index + 1 < end => return &name[index + 1..end],
            _ => {}
        }
    }
    &name[..end]
}

/// Where a function is: in a file that is not linked, its section and the place there.
type Place = (Option<SectionIndex>, u64);

/// The functions whose frames the file tells, by their symbols, and the sizes of the frames.
fn frames(file: &[u8]) -> Result<Vec<(String, u64)>> {
    let file = File::parse(file).context("damaged ELF file")?;
    let names = functions(&file)?;
    let mut frames = Vec::new();
    for section in file.sections().filter(|section| section.name() == Ok(SECTION)) {
        let targets = targets(&file, &section)?;
        let mut entries = Entries { all: section.data().context("damaged section")?, at: 0 };
        while !entries.is_empty() {
            let start = entries.at as u64;
            let address = entries.address(&file)?;
            let size = entries.number()?;
            let (section, offset) = targets.get(&start).copied().unwrap_or((None, 0));
            let place = (section, without_mode(&file, address.wrapping_add(offset)));
            // What a linker left out has no symbol, and no address that means something.
            if let Some(name) = names.get(&place) {
                frames.push((name.clone(), size));
            }
        }
    }
    Ok(frames)
}

/// The names of the functions in the file, by their places.
fn functions(file: &File<'_>) -> Result<HashMap<Place, String>> {
    let is_linked = file.kind() != ObjectKind::Relocatable;
    let mut names = HashMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
        let section = symbol.section_index().filter(|_| !is_linked);
        let place = (section, without_mode(file, symbol.address()));
        let name = symbol.name().context("damaged symbol")?;
        // Linkers name places in the code, too, as `$t`.
        if symbol.size() > 0 {
            names.insert(place, name.to_owned());
        }
    }
    Ok(names)
}

/// What the relocations of a section in a file that is not linked add to it, by their places there.
fn targets<'a>(file: &File<'a>, section: &impl ObjectSection<'a>) -> Result<HashMap<u64, Place>> {
    let mut targets = HashMap::new();
    for (at, relocation) in section.relocations() {
        let RelocationTarget::Symbol(index) = relocation.target() else { continue };
        let symbol = file.symbol_by_index(index).context("damaged relocation")?;
        let offset = symbol.address().wrapping_add_signed(relocation.addend());
        targets.insert(at, (symbol.section_index(), offset));
    }
    Ok(targets)
}

/// The address without the bit that says which mode of an Arm processor the function is for.
fn without_mode(file: &File<'_>, address: u64) -> u64 {
    if file.architecture() == Architecture::Arm { address & !1 } else { address }
}

/// What is read from a section, entry by entry.
struct Entries<'a> {
    all: &'a [u8],
    at: usize,
}

impl Entries<'_> {
    fn is_empty(&self) -> bool {
        self.at >= self.all.len()
    }

    fn byte(&mut self) -> Result<u8> {
        let Some(byte) = self.all.get(self.at) else { bail!("damaged section {SECTION}") };
        self.at += 1;
        Ok(*byte)
    }

    /// An address of the size that the file's processor has.
    fn address(&mut self, file: &File<'_>) -> Result<u64> {
        let length = if file.is_64() { 8 } else { 4 };
        let mut address = 0;
        for index in 0..length {
            let byte = u64::from(self.byte()?);
            let place = if file.is_little_endian() { index } else { length - 1 - index };
            address |= byte << (8 * place);
        }
        Ok(address)
    }

    /// A number in LEB128.
    fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        bail!("damaged section {SECTION}")
    }
}

#[cfg(test)]
mod tests {
    use object::write::{self, Relocation, Symbol, SymbolSection};
    use object::{
        BinaryFormat, Endianness, RelocationEncoding, RelocationFlags, RelocationKind, SectionKind,
        SymbolFlags, SymbolScope,
    };

    use super::*;

    /// A file that is not linked, with functions of these names and frames.
    fn file(architecture: Architecture, functions: &[(&str, u64)]) -> Vec<u8> {
        let mut object = write::Object::new(BinaryFormat::Elf, architecture, Endianness::Little);
        let text = object.add_section(vec![], b".text".to_vec(), SectionKind::Text);
        let sizes = object.add_section(vec![], SECTION.into(), SectionKind::Other);
        let length = if architecture == Architecture::Arm { 4 } else { 8 };
        for (name, size) in functions {
            let value = object.append_section_data(text, &[0; 16], 4);
            let symbol = object.add_symbol(Symbol {
                name: name.as_bytes().to_vec(),
                value,
                size: 16,
                kind: SymbolKind::Text,
                scope: SymbolScope::Linkage,
                weak: false,
                section: SymbolSection::Section(text),
                flags: SymbolFlags::None,
            });
            let mut entry = vec![0; length];
            entry.extend([*size as u8 & 0x7f | 0x80, (*size >> 7) as u8]);
            let offset = object.append_section_data(sizes, &entry, 1);
            let flags = RelocationFlags::Generic {
                kind: RelocationKind::Absolute,
                encoding: RelocationEncoding::Generic,
                size: 8 * length as u8,
            };
            let relocation = Relocation { offset, symbol, addend: 0, flags };
            object.add_relocation(sizes, relocation).unwrap();
        }
        object.write().unwrap()
    }

    #[test]
    fn the_largest_frame_of_a_poll_is_found() {
        let functions = [
            ("_RNCNvC3app3top0", 300),
            ("_RNvC3app4main", 5000),
            ("_RNvXCs4app_3appNtB2_1wNtB2_1f4poll", 20),
        ];
        for architecture in [Architecture::Arm, Architecture::X86_64] {
            let file = file(architecture, &functions);
            assert_eq!(frames(&file).unwrap().len(), 3);
            assert_eq!(largest_of_polls(&file).unwrap(), 300);
            assert_eq!(largest_of_polls(&self::file(architecture, &[])).unwrap(), 0);
        }
    }

    #[test]
    fn polls_are_told_by_their_names() {
        for name in [
            "app::top::{closure#0}",
            "app::top::{{closure}}",
            "<app::Wait as core::future::future::Future>::poll",
            "app::Channel::poll::<fn(u8) -> app::Ready>",
            "<embassy_executor::raw::TaskStorage<app::run::{closure#0}>>::poll",
        ] {
            assert!(is_poll(name), "{name}");
        }
        for name in ["main", "app::poll_all", "core::ptr::drop_in_place::<app::top::{closure#0}>"] {
            assert!(!is_poll(name), "{name}");
        }
    }

    #[test]
    fn a_section_that_ends_too_early_is_damaged() {
        let mut entries = Entries { all: &[0x80], at: 0 };
        assert!(entries.number().unwrap_err().to_string().contains(SECTION));
    }
}
