//! The linker for bare-metal targets.
//!
//! Such targets link with rustc's own `rust-lld` by default, which a compiler built from source
//! need not have. LLD from LLVM does the same work, so it is named to rustc if it is there.

use anyhow::{Result, bail};
use measure::compiler::Compiler;
use which::which;

/// The names of LLD for ELF to look for in `PATH`, the best first.
const LLD: [&str; 2] = ["ld.lld-22", "ld.lld"];

/// Whether programs for `target` run without an operating system, on an architecture of LLD.
pub fn is_bare_metal(target: &str) -> bool {
    let architecture = ["thumb", "arm", "aarch64", "riscv"];
    architecture.iter().any(|prefix| target.starts_with(prefix))
        && target.split('-').any(|part| part == "none")
}

/// The flags that tell rustc how to link for `target`; none where its default will do.
///
/// Fails if the target is a bare-metal one, and neither `PATH` nor the compiler's folder has LLD.
pub fn rustflags(target: &str, compiler: &Compiler) -> Result<Vec<String>> {
    if !is_bare_metal(target) {
        return Ok(Vec::new());
    }
    let own_folder = compiler.sysroot.join("lib/rustlib").join(&compiler.host).join("bin");
    let own = own_folder.join("rust-lld");
    let linker = if let Some(name) = LLD.iter().find(|name| which(name).is_ok()) {
        (*name).to_owned()
    } else if own.is_file() {
        own.display().to_string()
    } else {
        bail!(
            "no linker for {target}: install LLD, so that `PATH` has `{}` or `{}`; \
             nor does the compiler come with `rust-lld`",
            LLD[0],
            LLD[1]
        );
    };
    Ok(vec![format!("-Clinker={linker}"), "-Clinker-flavor=ld.lld".into()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_metal_targets_have_no_operating_system() {
        for target in
            ["thumbv6m-none-eabi", "thumbv8m.main-none-eabihf", "riscv32imac-unknown-none-elf"]
        {
            assert!(is_bare_metal(target), "{target}");
        }
        for target in ["x86_64-unknown-linux-gnu", "thumbv7a-pc-windows-msvc", "avr-none"] {
            assert!(!is_bare_metal(target), "{target}");
        }
    }
}
