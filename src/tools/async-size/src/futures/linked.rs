//! Which functions a program has code of.
//!
//! A function has code if the program has its symbol, or if it was inlined into one that has. The
//! latter is in the debug info: an inlined function refers to its name there, and says where its
//! code is. Linkers leave the debug info of what they drop, but no address there means something.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use anyhow::{Context, Result};
use gimli::{
    AttributeValue, DebuggingInformationEntry, Dwarf, DwarfSections, EndianSlice, RunTimeEndian,
    SectionId, Unit,
};
use object::{File, Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind, SymbolKind};

/// The flag for rustc that has it tell what is inlined, and nothing of variables and types.
pub const FLAG: &str = "-Cdebuginfo=1";

type Reader<'a> = EndianSlice<'a, RunTimeEndian>;

/// The symbols of all functions that have code in the ELF file whose bytes are `file`. Fails if it
/// is no ELF file or is damaged.
pub fn functions(file: &[u8]) -> Result<HashSet<String>> {
    let file = File::parse(file).context("not an ELF file")?;
    let mut names = HashSet::new();
    for symbol in file.symbols() {
        if symbol.kind() == SymbolKind::Text && symbol.is_definition() {
            names.insert(symbol.name().context("damaged symbol")?.to_owned());
        }
    }
    let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
    let load = |id: SectionId| -> Result<Cow<'_, [u8]>> {
        match file.section_by_name(id.name()) {
            Some(section) => Ok(section.uncompressed_data()?),
            None => Ok(Cow::Borrowed(&[])),
        }
    };
    let sections = DwarfSections::load(load).context("damaged debug info")?;
    let dwarf = sections.borrow(|section| EndianSlice::new(section, endian));
    let inlined = DebugInfo::new(dwarf, code(&file)).and_then(|info| info.inlined());
    names.extend(inlined.context("damaged debug info")?);
    Ok(names)
}

/// The addresses of all sections with code.
fn code(file: &File<'_>) -> Vec<Range<u64>> {
    let sections = file.sections().filter(|section| section.kind() == SectionKind::Text);
    sections.map(|section| section.address()..section.address() + section.size()).collect()
}

/// The debug info of a program.
struct DebugInfo<'a> {
    dwarf: Dwarf<Reader<'a>>,
    /// In the order of their places.
    units: Vec<Unit<Reader<'a>>>,
    code: Vec<Range<u64>>,
}

impl<'a> DebugInfo<'a> {
    fn new(dwarf: Dwarf<Reader<'a>>, code: Vec<Range<u64>>) -> Result<Self> {
        let mut headers = dwarf.units();
        let mut units = Vec::new();
        while let Some(header) = headers.next()? {
            units.push(dwarf.unit(header)?);
        }
        Ok(DebugInfo { dwarf, units, code })
    }

    /// The symbols of functions that are inlined somewhere.
    fn inlined(&self) -> Result<HashSet<String>> {
        let mut names = HashSet::new();
        for unit in &self.units {
            let mut entries = unit.entries();
            while let Some(entry) = entries.next_dfs()? {
                if entry.tag() == gimli::DW_TAG_inlined_subroutine && self.has_code(unit, entry)? {
                    names.extend(self.name_of_origin(unit, entry)?);
                }
            }
        }
        Ok(names)
    }

    /// Whether some of the entry's code is in the program.
    fn has_code(
        &self,
        unit: &Unit<Reader<'a>>,
        entry: &DebuggingInformationEntry<Reader<'a>>,
    ) -> Result<bool> {
        let mut ranges = self.dwarf.die_ranges(unit, entry)?;
        while let Some(range) = ranges.next()? {
            let is_in = |code: &Range<u64>| code.contains(&range.begin);
            if range.begin < range.end && self.code.iter().any(is_in) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The symbol of the function that an entry is an inlined copy of, if there is one.
    fn name_of_origin(
        &self,
        unit: &Unit<Reader<'a>>,
        entry: &DebuggingInformationEntry<Reader<'a>>,
    ) -> Result<Option<String>> {
        let (unit, offset) = match entry.attr_value(gimli::DW_AT_abstract_origin) {
            Some(AttributeValue::UnitRef(offset)) => (unit, offset),
            // It may be of another crate, if these are optimized together.
            Some(AttributeValue::DebugInfoRef(offset)) => {
                let starts_before = |unit: &Unit<Reader<'a>>| {
                    unit.header.debug_info_offset().is_some_and(|start| start.0 <= offset.0)
                };
                let index = self.units.partition_point(starts_before).checked_sub(1);
                let unit = index.map(|index| &self.units[index]);
                let Some((unit, offset)) =
                    unit.and_then(|unit| Some((unit, offset.to_unit_offset(&unit.header)?)))
                else {
                    return Ok(None);
                };
                (unit, offset)
            }
            _ => return Ok(None),
        };
        let Some(name) = unit.entry(offset)?.attr_value(gimli::DW_AT_linkage_name) else {
            return Ok(None);
        };
        let name = self.dwarf.attr_string(unit, name)?;
        Ok(Some(name.to_string_lossy().into_owned()))
    }
}
