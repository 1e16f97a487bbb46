//! What functions take of the stack, as the compiler tells it with [`FLAG`].
//!
//! It writes a section with the address of each function and the size of its frame, which linkers
//! keep beside the program: it takes no memory. What a function calls is not in its frame; that is
//! added up by [`stack`](crate::stack).

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use object::{File, Object, ObjectSection, ObjectSymbol, RelocationTarget};
use rustc_demangle::demangle;

use crate::functions::{Functions, Place, is_linked, without_mode};

/// The flag for rustc that has it tell the sizes of frames.
pub const FLAG: &str = "-Zemit-stack-sizes";

/// The section that has them.
const SECTION: &str = ".stack_sizes";

/// The size in bytes of the largest frame of a poll in the ELF file whose bytes are `file`; 0 if
/// there is none, or if the file was built without [`FLAG`].
///
/// Fails if it is no ELF file or is damaged.
pub fn largest_of_polls(file: &[u8]) -> Result<u64> {
    let file = File::parse(file).context("damaged ELF file")?;
    let functions = Functions::read(&file)?;
    let frames = frames(&file, &functions)?;
    let polls = polls(&functions).filter_map(|function| frames[function]);
    Ok(polls.max().unwrap_or(0))
}

/// The functions that an async body ends up in, by their places in `functions`.
pub(crate) fn polls(functions: &Functions<'_>) -> impl Iterator<Item = usize> {
    let is_poll = |name: &&str| is_poll(&format!("{:#}", demangle(name)));
    (0..functions.len()).filter(move |&index| functions.names(index).iter().any(is_poll))
}

/// Whether a function is one that an async body ends up in: a `poll`, or a closure, as the poll of
/// an async body is named. `name` is its path without a hash.
fn is_poll(name: &str) -> bool {
    let last = last_segment(name);
    last == "poll" || last.starts_with("{closure") || last.starts_with("{{closure")
}

/// The last part of a path, without generic arguments: colons in these part nothing.
pub fn last_segment(name: &str) -> &str {
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

/// The size of the frame of each of `functions` in bytes, if the file tells it.
///
/// Fails if the file is damaged.
pub(crate) fn frames(file: &File<'_>, functions: &Functions<'_>) -> Result<Vec<Option<u64>>> {
    let mut frames = vec![None; functions.len()];
    for section in file.sections().filter(|section| section.name() == Ok(SECTION)) {
        let targets = targets(file, &section)?;
        let mut entries = Entries { all: section.data().context("damaged section")?, at: 0 };
        while !entries.is_empty() {
            let start = entries.at as u64;
            let address = entries.address(file)?;
            let size = entries.number()?;
            let (section, offset) = targets.get(&start).copied().unwrap_or_default();
            let place = (section, without_mode(file, address.wrapping_add(offset)));
            // What a linker left out has no symbol, and no address that means something.
            if let Some(function) = functions.at(place) {
                frames[function] = frames[function].max(Some(size));
            }
        }
    }
    Ok(frames)
}

/// What the relocations of a section add to it, by their places there. Those that a linker kept
/// were added already.
fn targets<'a>(file: &File<'a>, section: &impl ObjectSection<'a>) -> Result<HashMap<u64, Place>> {
    let mut targets = HashMap::new();
    if is_linked(file) {
        return Ok(targets);
    }
    for (at, relocation) in section.relocations() {
        let RelocationTarget::Symbol(index) = relocation.target() else { continue };
        let symbol = file.symbol_by_index(index).context("damaged relocation")?;
        let offset = symbol.address().wrapping_add_signed(relocation.addend());
        let section = symbol.section_index().map_or(0, |index| index.0);
        targets.insert(at, (section, offset));
    }
    Ok(targets)
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
    use object::Architecture;

    use super::*;
    use crate::functions::tests::{Written, not_linked};

    #[test]
    fn the_largest_frame_of_a_poll_is_found() {
        let functions = [
            Written::new("_RNCNvC3app3top0", 300),
            Written::new("_RNvC3app4main", 5000),
            Written::new("_RNvXCs4app_3appNtB2_1wNtB2_1f4poll", 20),
        ];
        for architecture in [Architecture::Arm, Architecture::X86_64] {
            let file = not_linked(architecture, &functions);
            assert_eq!(largest_of_polls(&file).unwrap(), 300);
            assert_eq!(largest_of_polls(&not_linked(architecture, &[])).unwrap(), 0);
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
