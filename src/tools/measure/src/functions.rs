//! The functions of an ELF file, by its symbols.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use object::{Architecture, File, Object, ObjectKind, ObjectSymbol, SymbolKind};

/// Where code is: its section in a file that is not linked, else 0; and its place in the section,
/// else its address.
pub(crate) type Place = (usize, u64);

/// The functions of a file, sorted by their places.
#[derive(Debug)]
pub(crate) struct Functions<'a>(Vec<Function<'a>>);

#[derive(Debug)]
struct Function<'a> {
    place: Place,
    size: u64,
    /// Several if it has aliases.
    names: Vec<&'a str>,
}

impl<'a> Functions<'a> {
    /// The functions that `file` has symbols for. Fails if it is damaged.
    pub(crate) fn read(file: &File<'a>) -> Result<Self> {
        let mut by_place = BTreeMap::<Place, Function<'a>>::new();
        for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
            // Linkers name places in the code, too, as `$t`.
            if symbol.size() == 0 {
                continue;
            }
            let place = place_of(file, &symbol);
            let name = symbol.name().context("damaged symbol")?;
            let new = Function { place, size: 0, names: Vec::new() };
            let function = by_place.entry(place).or_insert(new);
            function.size = function.size.max(symbol.size());
            function.names.push(name);
        }
        Ok(Functions(by_place.into_values().collect()))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The symbols of the function at `index`.
    pub(crate) fn names(&self, index: usize) -> &[&'a str] {
        &self.0[index].names
    }

    /// The function that begins at `place`.
    pub(crate) fn at(&self, place: Place) -> Option<usize> {
        self.0.binary_search_by_key(&place, |function| function.place).ok()
    }

    /// The function that has the code at `place`.
    pub(crate) fn around(&self, place: Place) -> Option<usize> {
        let index = self.0.partition_point(|function| function.place <= place).checked_sub(1)?;
        let Function { place: (section, start), size, .. } = self.0[index];
        (section == place.0 && place.1 - start < size).then_some(index)
    }
}

/// Whether a linker made the file, so that its addresses are final.
pub(crate) fn is_linked(file: &File<'_>) -> bool {
    file.kind() != ObjectKind::Relocatable
}

/// Where the code is that `symbol` names.
pub(crate) fn place_of<'a>(file: &File<'a>, symbol: &impl ObjectSymbol<'a>) -> Place {
    let section = symbol.section_index().filter(|_| !is_linked(file));
    (section.map_or(0, |index| index.0), without_mode(file, symbol.address()))
}

/// The address without the bit that says which mode of an Arm processor the function is for.
pub(crate) fn without_mode(file: &File<'_>, address: u64) -> u64 {
    if file.architecture() == Architecture::Arm { address & !1 } else { address }
}

#[cfg(test)]
pub(crate) mod tests {
    use object::ObjectSection as _;
    use object::elf::{self, RelocationType};
    use object::write::{self, Relocation, Symbol, SymbolId, SymbolSection};
    use object::{
        BinaryFormat, Endianness, RelocationEncoding, RelocationFlags, RelocationKind, SectionKind,
        SymbolFlags, SymbolScope,
    };

    use super::*;

    /// The bytes of code that each function has.
    const SIZE: u64 = 16;

    /// A function in a file that a test makes.
    pub(crate) struct Written<'a> {
        name: &'a str,
        frame: u64,
        /// The types of the relocations in it, and what they are for.
        relocations: Vec<(RelocationType, &'a str)>,
    }

    impl<'a> Written<'a> {
        /// A function with this frame that calls nothing.
        pub(crate) fn new(name: &'a str, frame: u64) -> Self {
            Written { name, frame, relocations: Vec::new() }
        }

        /// The same with relocations of the type `kind` for these functions.
        pub(crate) fn with(mut self, kind: RelocationType, names: &[&'a str]) -> Self {
            self.relocations.extend(names.iter().map(|name| (kind, *name)));
            self
        }
    }

    /// The bytes of a file that is not linked, with these functions.
    pub(crate) fn not_linked(architecture: Architecture, functions: &[Written<'_>]) -> Vec<u8> {
        written(architecture, functions, false)
    }

    /// The bytes of a file with these functions whose addresses are final, and whose relocations
    /// the linker kept.
    pub(crate) fn linked(architecture: Architecture, functions: &[Written<'_>]) -> Vec<u8> {
        let mut file = written(architecture, functions, true);
        // The type of the file is behind what identifies it.
        let kind = size_of::<elf::Ident>();
        assert_eq!(file[kind], elf::ET_REL.0 as u8);
        file[kind] = elf::ET_EXEC.0 as u8;
        file
    }

    fn written(
        architecture: Architecture,
        functions: &[Written<'_>],
        has_addresses: bool,
    ) -> Vec<u8> {
        let mut object = write::Object::new(BinaryFormat::Elf, architecture, Endianness::Little);
        let text = object.add_section(vec![], b".text".to_vec(), SectionKind::Text);
        let sizes = object.add_section(vec![], b".stack_sizes".to_vec(), SectionKind::Other);
        let is_64 = matches!(architecture, Architecture::X86_64 | Architecture::Aarch64);
        let length = if is_64 { 8 } else { 4 };
        let mut symbols = Vec::<(&str, SymbolId)>::new();
        for Written { name, frame, .. } in functions {
            let value = object.append_section_data(text, &[0; SIZE as usize], 4);
            let symbol = object.add_symbol(Symbol {
                name: name.as_bytes().to_vec(),
                value,
                size: SIZE,
                kind: SymbolKind::Text,
                scope: SymbolScope::Linkage,
                weak: false,
                section: SymbolSection::Section(text),
                flags: SymbolFlags::None,
            });
            symbols.push((name, symbol));
            let address = if has_addresses { value } else { 0 };
            let mut entry = address.to_le_bytes()[..length].to_vec();
            entry.extend([*frame as u8 & 0x7f | 0x80, (*frame >> 7) as u8]);
            let offset = object.append_section_data(sizes, &entry, 1);
            let flags = RelocationFlags::Generic {
                kind: RelocationKind::Absolute,
                encoding: RelocationEncoding::Generic,
                size: 8 * length as u8,
            };
            let relocation = Relocation { offset, symbol, addend: 0, flags };
            object.add_relocation(sizes, relocation).unwrap();
        }
        for (start, Written { relocations, .. }) in (0..).step_by(SIZE as usize).zip(functions) {
            for (place, &(r_type, to)) in (0..).step_by(4).zip(relocations) {
                let (_, symbol) = *symbols.iter().find(|(name, _)| *name == to).unwrap();
                let flags = RelocationFlags::Elf { r_type };
                let relocation = Relocation { offset: start + place, symbol, addend: 0, flags };
                object.add_relocation(text, relocation).unwrap();
            }
        }
        object.write().unwrap()
    }

    #[test]
    fn functions_are_found_at_and_around_their_code() {
        let written = [Written::new("first", 8), Written::new("second", 8)];
        let bytes = not_linked(Architecture::Arm, &written);
        let file = File::parse(&*bytes).unwrap();
        let functions = Functions::read(&file).unwrap();
        assert_eq!(functions.len(), 2);
        let section = file.section_by_name(".text").unwrap().index().0;
        assert_eq!(functions.at((section, SIZE)), Some(1));
        assert_eq!(functions.at((section, SIZE + 2)), None);
        assert_eq!(functions.around((section, SIZE - 1)), Some(0));
        assert_eq!(functions.around((section, SIZE)), Some(1));
        assert_eq!(functions.around((section, 2 * SIZE)), None);
        assert_eq!(functions.around((section + 1, SIZE)), None);
        assert_eq!(functions.names(1), ["second"]);
    }
}
