//! What a program reserves for its tasks.
//!
//! An executor without a heap keeps each task in a static: its future, and what the executor needs
//! beside it. That is the part of RAM that passes for async code can make smaller; buffers, the
//! drivers' state and the like stay what they are.

use anyhow::{Context, Result};
use object::{File, Object, ObjectSymbol};
use rustc_demangle::demangle;

use crate::frames::last_segment;

/// What `#[embassy_executor::task]` calls the static with a task's future.
const POOL: &str = "POOL";

/// The bytes that embassy's task pools take in the ELF file whose bytes are `file`: 0 if it has
/// none, or if its symbols were stripped.
///
/// Fails if it is no ELF file or is damaged.
pub fn size(file: &[u8]) -> Result<u64> {
    let file = File::parse(file).context("damaged ELF file")?;
    let names_a_pool = |name: &str| last_segment(&format!("{:#}", demangle(name))) == POOL;
    Ok(file
        .symbols()
        .filter(|symbol| symbol.size() > 0 && symbol.name().is_ok_and(names_a_pool))
        .map(|symbol| symbol.size())
        .sum())
}

#[cfg(test)]
mod tests {
    use object::write::{Object, Symbol, SymbolSection};
    use object::{
        Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope,
    };

    use super::*;

    /// An object with a static for each name, of the size beside it.
    fn file(statics: &[(&str, u64)]) -> Vec<u8> {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::Arm, Endianness::Little);
        let kind = SectionKind::UninitializedData;
        let section = object.add_section(Vec::new(), b".bss".to_vec(), kind);
        for &(name, size) in statics {
            let value = object.append_section_bss(section, size, 1);
            object.add_symbol(Symbol {
                name: name.into(),
                value,
                size,
                kind: SymbolKind::Data,
                scope: SymbolScope::Compilation,
                weak: false,
                section: SymbolSection::Section(section),
                flags: SymbolFlags::None,
            });
        }
        object.write().unwrap()
    }

    #[test]
    fn pools_are_statics_of_that_name() {
        let statics = [
            ("_RNvNvCsiE5R7jj0FV_13service_shell14___embassy_main4POOL", 1016),
            ("_ZN3app6___led4POOL17h05af221e174051e9E", 40),
            ("_RNvCsiE5R7jj0FV_3app9CARPOOL_B", 7),
            ("_RNvNtCs8w4je5tsMq8_11embassy_nrf6gpiote11PORT_WAKERS", 384),
        ];
        assert_eq!(size(&file(&statics)).unwrap(), 1056);
        assert_eq!(size(&file(&[])).unwrap(), 0);
    }
}
