//! What the debug info of a program tells of its functions: how much of it is async code, and which
//! functions have code in it, be it inlined.
//!
//! Async code is every byte of code whose innermost function is an async body: that of an async
//! fn, block or closure. What is inlined into a body is not the body's: a byte of it belongs to the
//! function that is inlined. But a function that was compiled without debug info, such as some of
//! `core`, cannot be told from what it is inlined into. What drops a future counts as a function of
//! its own, and not as async code.
//!
//! [`FLAG`] gives enough debug info. It changes no byte of the program, and takes no memory in it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Context, Result, bail};
use gimli::{
    AttributeValue, DebugInfoOffset, Dwarf, DwarfSections, EndianSlice, RunTimeEndian, SectionId,
    Unit, constants,
};
use object::{File, Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

/// The flag for rustc that has it tell which function the code is of, and what is inlined.
///
/// With mere line tables LLVM leaves out functions that nothing is inlined into. Cargo's own
/// setting for debug info would name the crates anew, and so move functions about.
pub const FLAG: &str = "-Cdebuginfo=1";

/// What the compiler calls async bodies in the debug info: `{async_fn#0}` is one.
const BODIES: [&str; 6] = [
    "async_fn",
    "async_block",
    "async_closure",
    "async_gen_fn",
    "async_gen_block",
    "async_gen_closure",
];

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// How many bytes of code are those of async bodies in the linked ELF file whose bytes are `file`.
///
/// Fails if it is no ELF file, is damaged, or has no debug info.
pub fn async_code(file: &[u8]) -> Result<u64> {
    let scopes = Scopes::of(&File::parse(file).context("damaged ELF file")?)?;
    if scopes.names.is_empty() {
        bail!("no debug info");
    }
    Ok(innermost(&scopes.ranges, |range| scopes.is_body(range.function)))
}

/// The symbols of all functions that have code in the linked ELF file whose bytes are `file`, alone
/// or inlined. Without debug info it is only known which have code alone.
///
/// Fails if it is no ELF file, or is damaged.
pub fn functions(file: &[u8]) -> Result<HashSet<String>> {
    let file = File::parse(file).context("damaged ELF file")?;
    let mut functions = HashSet::new();
    for symbol in file.symbols() {
        if symbol.kind() == SymbolKind::Text && symbol.is_definition() {
            functions.insert(symbol.name().context("damaged symbol")?.to_owned());
        }
    }
    let scopes = Scopes::of(&file)?;
    functions.extend(scopes.ranges.iter().filter_map(|range| scopes.symbol(range.function)));
    Ok(functions)
}

/// The addresses of each section with code.
fn code(file: &File<'_>) -> Vec<std::ops::Range<u64>> {
    file.sections()
        .filter(|section| section.kind() == SectionKind::Text)
        .map(|section| section.address()..section.address().saturating_add(section.size()))
        .collect()
}

/// Code of one function, which may be inlined into another one there.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    start: u64,
    /// Behind the last byte.
    end: u64,
    /// How deep the function is nested; what is inlined is deeper than what it is inlined into.
    depth: isize,
    function: DebugInfoOffset,
}

/// What says how a function is called.
#[derive(Debug)]
enum Name {
    /// Its name does, and that is, or is not, the name of an async body. It may have a symbol.
    Own { is_body: bool, symbol: Option<String> },
    /// The entry there does.
    At(DebugInfoOffset),
}

/// The functions of a program, and those that are inlined.
#[derive(Debug, Default)]
struct Scopes {
    names: HashMap<DebugInfoOffset, Name>,
    ranges: Vec<Range>,
}

impl Scopes {
    /// Those of a program, with the ranges of code that is in it.
    fn of(file: &File<'_>) -> Result<Scopes> {
        let endian =
            if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
        // A section that is not there is empty.
        let load = |id: SectionId| match file.section_by_name(id.name()) {
            Some(section) => section.uncompressed_data(),
            None => Ok(Cow::Borrowed(&[][..])),
        };
        let sections = DwarfSections::load(load).context("damaged debug info")?;
        let dwarf = sections.borrow(|section| EndianSlice::new(section, endian));
        let mut scopes = Scopes::default();
        scopes.read_units(&dwarf).context("damaged debug info")?;
        let code = code(file);
        // A linker leaves the debug info of what it left out, with addresses that mean nothing.
        scopes.ranges.retain(|range| code.iter().any(|section| section.contains(&range.start)));
        Ok(scopes)
    }

    fn read_units(&mut self, dwarf: &Dwarf<Slice<'_>>) -> gimli::Result<()> {
        let mut units = dwarf.units();
        while let Some(header) = units.next()? {
            self.read(dwarf, &dwarf.unit(header)?)?;
        }
        Ok(())
    }

    /// Adds the functions of a unit.
    fn read(&mut self, dwarf: &Dwarf<Slice<'_>>, unit: &Unit<Slice<'_>>) -> gimli::Result<()> {
        let mut entries = unit.entries();
        while let Some(entry) = entries.next_dfs()? {
            if ![constants::DW_TAG_subprogram, constants::DW_TAG_inlined_subroutine]
                .contains(&entry.tag())
            {
                continue;
            }
            let Some(function) = entry.offset().to_debug_info_offset(&unit.header) else {
                continue;
            };
            let origin = [constants::DW_AT_abstract_origin, constants::DW_AT_specification]
                .into_iter()
                .find_map(|attribute| entry.attr_value(attribute));
            let name = match (entry.attr_value(constants::DW_AT_name), origin) {
                (Some(name), _) => {
                    let is_body = is_body(&dwarf.attr_string(unit, name)?.to_string_lossy());
                    let symbol = entry.attr_value(constants::DW_AT_linkage_name);
                    let symbol =
                        symbol.map(|symbol| dwarf.attr_string(unit, symbol)).transpose()?;
                    let symbol = symbol.map(|symbol| symbol.to_string_lossy().into_owned());
                    Some(Name::Own { is_body, symbol })
                }
                (None, Some(AttributeValue::UnitRef(at))) => {
                    at.to_debug_info_offset(&unit.header).map(Name::At)
                }
                (None, Some(AttributeValue::DebugInfoRef(at))) => Some(Name::At(at)),
                _ => None,
            };
            self.names.extend(name.map(|name| (function, name)));
            let depth = entry.depth();
            let mut ranges = dwarf.die_ranges(unit, entry)?;
            while let Some(gimli::Range { begin: start, end }) = ranges.next()? {
                if start < end {
                    self.ranges.push(Range { start, end, depth, function });
                }
            }
        }
        Ok(())
    }

    /// Whether a function is an async body.
    fn is_body(&self, function: DebugInfoOffset) -> bool {
        matches!(self.name(function), Some(Name::Own { is_body: true, .. }))
    }

    /// The symbol of a function, if it has one.
    fn symbol(&self, function: DebugInfoOffset) -> Option<String> {
        match self.name(function)? {
            Name::Own { symbol, .. } => symbol.clone(),
            Name::At(_) => None,
        }
    }

    /// The name that a function has itself, or where it refers to.
    fn name(&self, function: DebugInfoOffset) -> Option<&Name> {
        // What is inlined refers to a function, and that to what declares it.
        const STEPS: usize = 4;
        let mut name = self.names.get(&function)?;
        for _ in 1..STEPS {
            let Name::At(next) = name else { break };
            name = self.names.get(next)?;
        }
        Some(name)
    }
}

/// Whether a function of this name is an async body. It may have generic arguments.
fn is_body(name: &str) -> bool {
    let label = name.strip_prefix('{').and_then(|rest| rest.split_once('#'));
    label.is_some_and(|(label, _)| BODIES.contains(&label))
}

/// How many bytes are in `ranges`, and in one that `counts` at the deepest place. Every byte counts
/// once.
///
/// The time is that of sorting the ranges.
fn innermost(ranges: &[Range], counts: impl Fn(&Range) -> bool) -> u64 {
    let starts = ranges.iter().enumerate().map(|(index, range)| (range.start, index, true));
    let ends = ranges.iter().enumerate().map(|(index, range)| (range.end, index, false));
    let mut edges: Vec<_> = starts.chain(ends).collect();
    edges.sort_unstable();
    let mut active = BTreeSet::new();
    let mut before = 0;
    let mut bytes = 0;
    for (address, index, is_start) in edges {
        if let Some(&(_, deepest)) = active.last()
            && counts(&ranges[deepest])
        {
            bytes += address - before;
        }
        before = address;
        let item = (ranges[index].depth, index);
        if is_start {
            active.insert(item)
        } else {
            active.remove(&item)
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use gimli::write::{
        Address, AttributeValue as Value, DwarfUnit, EndianVec, RangeList, Sections, UnitEntryId,
    };
    use gimli::{
        DW_AT_abstract_origin, DW_AT_high_pc, DW_AT_linkage_name, DW_AT_low_pc, DW_AT_name,
        DW_AT_ranges, DW_AT_specification,
    };
    use gimli::{DW_TAG_inlined_subroutine, DW_TAG_lexical_block, DW_TAG_subprogram, LittleEndian};
    use object::write;
    use object::{Architecture, BinaryFormat, Endianness};

    use super::*;

    /// The bytes of code in the files.
    const CODE: u64 = 1000;

    /// Debug info that a test makes.
    struct Written(DwarfUnit);

    impl Written {
        fn new() -> Self {
            let format = gimli::Format::Dwarf32;
            Written(DwarfUnit::new(gimli::Encoding { format, version: 4, address_size: 4 }))
        }

        /// Adds an entry that has no code itself.
        fn named(&mut self, name: &str) -> UnitEntryId {
            let unit = &mut self.0.unit;
            let entry = unit.add(unit.root(), DW_TAG_subprogram);
            unit.get_mut(entry).set(DW_AT_name, Value::String(name.into()));
            entry
        }

        /// Adds code to `parent`, which is of the function at `origin`.
        fn code(
            &mut self,
            parent: UnitEntryId,
            origin: UnitEntryId,
            ranges: &[(u64, u64)],
        ) -> UnitEntryId {
            let unit = &mut self.0.unit;
            let is_root = parent == unit.root();
            let tag = if is_root { DW_TAG_subprogram } else { DW_TAG_inlined_subroutine };
            let entry = unit.add(parent, tag);
            unit.get_mut(entry).set(DW_AT_abstract_origin, Value::UnitRef(origin));
            let address = Address::Constant;
            if let &[(start, end)] = ranges {
                unit.get_mut(entry).set(DW_AT_low_pc, Value::Address(address(start)));
                unit.get_mut(entry).set(DW_AT_high_pc, Value::Udata(end - start));
            } else {
                let list = ranges.iter().map(|&(start, end)| gimli::write::Range::StartEnd {
                    begin: address(start),
                    end: address(end),
                });
                let list = unit.ranges.add(RangeList(list.collect()));
                unit.get_mut(entry).set(DW_AT_ranges, Value::RangeListRef(list));
            }
            entry
        }

        /// The bytes of a file with this debug info.
        fn file(mut self) -> Vec<u8> {
            let mut object =
                write::Object::new(BinaryFormat::Elf, Architecture::Arm, Endianness::Little);
            let text = object.add_section(vec![], b".text".to_vec(), SectionKind::Text);
            object.append_section_data(text, &[0; CODE as usize], 4);
            let mut sections = Sections::new(EndianVec::new(LittleEndian));
            self.0.write(&mut sections).unwrap();
            sections
                .for_each(|id, data| {
                    let section = object.add_section(vec![], id.name().into(), SectionKind::Debug);
                    object.append_section_data(section, data.slice(), 1);
                    gimli::Result::Ok(())
                })
                .unwrap();
            object.write().unwrap()
        }
    }

    #[test]
    fn the_innermost_function_has_the_byte() {
        let mut written = Written::new();
        let root = written.0.unit.root();
        let body = written.named("{async_fn#0}<u8>");
        let plain = written.named("plain");
        // The body has 100 bytes, of which 30 are inlined; 10 of these are again of a body.
        let outer = written.code(root, body, &[(100, 200)]);
        let block = written.0.unit.add(outer, DW_TAG_lexical_block);
        let inlined = written.code(block, plain, &[(110, 130), (150, 160)]);
        written.code(inlined, body, &[(120, 130)]);
        // A function has 50 bytes, of which 8 are of a body that is inlined.
        let outer = written.code(root, plain, &[(300, 350)]);
        written.code(outer, body, &[(302, 306), (340, 344)]);
        assert_eq!(async_code(&written.file()).unwrap(), 70 + 10 + 8);
    }

    #[test]
    fn what_the_linker_left_out_does_not_count() {
        let mut written = Written::new();
        let root = written.0.unit.root();
        let body = written.named("{async_block#3}");
        written.code(root, body, &[(10, 20)]);
        written.code(root, body, &[(CODE, CODE + 50)]);
        written.code(root, body, &[(u64::from(u32::MAX) - 60, u64::from(u32::MAX) - 10)]);
        assert_eq!(async_code(&written.file()).unwrap(), 10);
    }

    #[test]
    fn a_program_without_async_code_has_none_of_it() {
        let mut written = Written::new();
        let (root, plain) = (written.0.unit.root(), written.named("plain"));
        written.code(root, plain, &[(10, 20)]);
        assert_eq!(async_code(&written.file()).unwrap(), 0);
        assert_eq!(async_code(&Written::new().file()).unwrap_err().to_string(), "no debug info");
    }

    #[test]
    fn a_function_has_code_where_it_is_inlined() {
        let mut written = Written::new();
        let root = written.0.unit.root();
        let mut with_symbol = |name: &str, symbol: &str| {
            let entry = written.named(name);
            let symbol = Value::String(symbol.into());
            written.0.unit.get_mut(entry).set(DW_AT_linkage_name, symbol);
            entry
        };
        let inlined = with_symbol("inlined", "_inlined");
        let left_out = with_symbol("left out", "_left_out");
        let method = with_symbol("method", "_method");
        with_symbol("unused", "_unused");
        // The body of a method has no name itself, and refers to what declares the method.
        let body = written.0.unit.add(root, DW_TAG_subprogram);
        written.0.unit.get_mut(body).set(DW_AT_specification, Value::UnitRef(method));
        let plain = written.named("plain");
        let outer = written.code(root, plain, &[(10, 60)]);
        written.code(outer, inlined, &[(20, 30)]);
        written.code(outer, body, &[(30, 40)]);
        written.code(outer, left_out, &[(CODE + 10, CODE + 20)]);
        let expected = HashSet::from(["_inlined".to_owned(), "_method".to_owned()]);
        assert_eq!(functions(&written.file()).unwrap(), expected);
    }

    #[test]
    fn bodies_are_told_by_their_names() {
        for name in ["{async_fn#0}", "{async_block#12}<u8, app::Bus>", "{async_gen_closure#1}"] {
            assert!(is_body(name), "{name}");
        }
        for name in ["{closure#0}", "{async_fn_env#0}", "poll<app::{async_fn#0}>", "async_fn#0"] {
            assert!(!is_body(name), "{name}");
        }
    }

    #[test]
    fn a_byte_that_is_in_two_ranges_counts_once() {
        let range = |start, end, depth| Range { start, end, depth, function: DebugInfoOffset(0) };
        assert_eq!(innermost(&[range(0, 10, 1), range(0, 10, 1), range(5, 15, 2)], |_| true), 15);
        // What is deeper need not be within what it is inlined into.
        let ranges = [range(0, 10, 1), range(5, 15, 2), range(20, 25, 1)];
        assert_eq!(innermost(&ranges, |range| range.depth == 1), 10);
    }
}
