//! A run: builds every binary in every variant, and reads the sizes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use measure::arguments::unique;
use measure::build_folder;
use measure::cargo_build::{Built, CargoBuild, Job, Profile};
use measure::compiler::Compiler;
use measure::debug_info;
use measure::elf::Sizes;
use measure::frames;
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;
use measure::progress::Progress;
use measure::project::{Project, Unit};
use measure::stack;

use crate::linker;
use crate::report::{Failure, Measured, Report};

/// All that a run needs to know.
#[derive(Debug)]
pub struct Measurement {
    /// The compiler.
    pub compiler: Compiler,
    /// How cargo is called.
    pub cargo: CargoBuild,
    /// What is built.
    pub project: Project,
    /// The triples to build for instead of those that the packages name, if there are any.
    pub targets: Vec<String>,
    /// The optimization levels, in the order of the report.
    pub levels: Vec<OptLevel>,
    /// The panic strategies, in the order of the report; none is the one that a target has.
    pub panics: Vec<Option<PanicStrategy>>,
    /// The variants; the first one is the one that others are compared with.
    pub variants: Vec<Variant>,
    /// Whether the async code in the binaries is measured, too.
    pub async_share: bool,
    /// The folder for all that is built.
    pub target_dir: PathBuf,
}

/// The binaries of one package for one target, and what rustc needs to link them.
pub struct Piece<'a> {
    /// The package, and its binaries.
    pub unit: &'a Unit,
    /// The triple to build for.
    pub target: &'a str,
    /// What a panic does.
    pub panic: PanicStrategy,
    linker_flags: Vec<String>,
}

impl Piece<'_> {
    /// The flags for rustc with the passes of `variant`.
    pub fn rustflags(&self, variant: &Variant) -> Vec<String> {
        [&variant.rustflags[..], &self.linker_flags].concat()
    }

    /// The job for cargo that builds the binaries.
    pub fn job<'a>(
        &'a self,
        level: OptLevel,
        rustflags: &'a [String],
        folder: &'a Path,
    ) -> Job<'a> {
        let Piece { unit, target, panic, .. } = *self;
        Job { unit, target, level, panic, rustflags, folder }
    }

    /// What is built, in words.
    pub fn title(&self, level: OptLevel, variant: &Variant) -> String {
        let Piece { unit, target, panic, .. } = self;
        let name = &variant.name;
        format!("{name}, opt-level {level}, panic {panic}: {} for {target}", unit.package)
    }

    /// Why there is not everything, in words; `built` is what there is.
    pub fn failure(&self, level: OptLevel, variant: &Variant, built: &Built) -> String {
        let Piece { unit: Unit { package, .. }, target, panic, .. } = self;
        let (passes, messages) = (&variant.name, &built.messages);
        format!(
            "`{package}` does not build for {target} at opt-level {level}, panic {panic}, with \
             passes {passes}{}\n{messages}",
            remedy(target, messages)
        )
    }
}

/// What to do if the compiler's `messages` are about a `core` for `target` that it does not have;
/// nothing if they are not. Its own advice would add one to another toolchain.
pub fn remedy(target: &str, messages: &str) -> String {
    if messages.contains("can't find crate for `core`") {
        format!("; add {target} to `build.targets` of a config.toml, or name another target")
    } else {
        String::new()
    }
}

/// The panic strategy of all `pieces`. Fails if they have several.
pub fn only_strategy(pieces: &[Piece<'_>]) -> Result<PanicStrategy> {
    match unique(pieces.iter().map(|piece| piece.panic))[..] {
        [panic] => Ok(panic),
        _ => bail!("this is measured with one panic strategy; name it with --panic"),
    }
}

/// What one build gave: the sizes of each binary of the unit, or why there are none.
type BinarySizes = Vec<Result<Sizes, String>>;

impl Measurement {
    /// Builds and measures everything. What does not build is in the report and on stderr; an error
    /// is only what keeps the run from going on.
    pub fn run(&self) -> Result<Report> {
        let pieces = self.pieces()?;
        let mut report = Report {
            compiler: self.compiler.version.clone(),
            variants: self.variants.clone(),
            results: Vec::new(),
            failed: Vec::new(),
        };
        let steps = pieces.len() * self.levels.len() * self.variants.len();
        let mut progress = Progress::new(steps, self.cargo.verbose);
        for &level in &self.levels {
            let mut by_variant = Vec::new();
            for variant in &self.variants {
                let mut by_piece = Vec::new();
                for piece in &pieces {
                    let folder = self.folder(variant, level, piece.panic)?;
                    progress.begin(&piece.title(level, variant));
                    by_piece.push(self.build(piece, level, variant, &folder, &progress)?);
                }
                by_variant.push(by_piece);
            }
            for (index, piece) in pieces.iter().enumerate() {
                let sizes: Vec<_> = by_variant.iter().map(|by_piece| &by_piece[index]).collect();
                collect(piece, level, &sizes, &mut report);
            }
        }
        progress.finish();
        Ok(report)
    }

    /// The folder to build in: each profile has one of its own.
    fn folder(&self, variant: &Variant, level: OptLevel, panic: PanicStrategy) -> Result<PathBuf> {
        let mut name = format!("{}-{level}", variant.name);
        if panic != PanicStrategy::Abort {
            name += &format!("-{panic}");
        }
        if self.cargo.profile == Profile::Own {
            name += "-own";
        }
        build_folder::prepare(crate::NAME, &self.target_dir, &name, &self.compiler.stamp)
    }

    /// What there is to build, by panic strategy and target.
    pub fn pieces(&self) -> Result<Vec<Piece<'_>>> {
        let mut by_target = Vec::<(&str, Vec<&Unit>)>::new();
        for unit in &self.project.units {
            for target in self.targets_of(unit) {
                match by_target.iter_mut().find(|(other, _)| *other == target) {
                    Some((_, units)) => units.push(unit),
                    None => by_target.push((target, vec![unit])),
                }
            }
        }
        let mut pieces = Vec::new();
        for &panic in &self.panics {
            for (target, units) in &by_target {
                let panic = match panic {
                    Some(panic) => panic,
                    None => self.compiler.usual_panic(target)?,
                };
                let linker_flags = linker::rustflags(target, &self.compiler)?;
                pieces.extend(units.iter().map(|unit| Piece {
                    unit,
                    target,
                    panic,
                    linker_flags: linker_flags.clone(),
                }));
            }
        }
        Ok(pieces)
    }

    /// The targets to build a unit for: those of the run, else its own, else the host.
    fn targets_of<'a>(&'a self, unit: &'a Unit) -> Vec<&'a str> {
        let chosen = if !self.targets.is_empty() { &self.targets } else { &unit.targets };
        if chosen.is_empty() {
            vec![&self.compiler.host]
        } else {
            chosen.iter().map(String::as_str).collect()
        }
    }

    fn build(
        &self,
        piece: &Piece<'_>,
        level: OptLevel,
        variant: &Variant,
        folder: &Path,
        progress: &Progress,
    ) -> Result<BinarySizes> {
        let mut rustflags = piece.rustflags(variant);
        rustflags.extend(flags_to_measure(piece.target, self.async_share));
        let built = self.cargo.run(&self.project, piece.job(level, &rustflags, folder))?;
        self.compiler.check_unchanged()?;
        if !built.success {
            progress.say(&format!("error: {}", piece.failure(level, variant, &built)));
        }
        Ok(read_sizes(piece.unit, &built, self.async_share))
    }
}

/// The flags that have rustc write beside a program what is to be read from it. They change no byte
/// of the program.
fn flags_to_measure(target: &str, async_share: bool) -> Vec<String> {
    let mut flags = vec![frames::FLAG.to_owned()];
    // Elsewhere the linker is the project's own.
    if linker::is_bare_metal(target) {
        flags.push(format!("-Clink-arg={}", stack::LINKER_FLAG));
    }
    if async_share {
        flags.push(debug_info::FLAG.into());
    }
    flags
}

/// What to do about a program of which the linker has left nothing.
const EMPTY: &str = "the program is empty; if its linker script stands under `[build] rustflags` \
                     of `.cargo/config.toml`, move it to `[target.…]`, or to a build script: the \
                     flags of the passes take the place of those of `[build]`";

/// The sizes of the binaries of `unit`, in its order; with the async code if `async_share` says so.
fn read_sizes(unit: &Unit, built: &Built, async_share: bool) -> BinarySizes {
    let read = |path: &Path| {
        let file = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut sizes = Sizes::read(&file)?;
        if async_share {
            sizes.async_code = Some(debug_info::async_code(&file)?);
        }
        ensure!(sizes.flash > 0, EMPTY);
        anyhow::Ok(sizes)
    };
    let read = |binary: &String| match built.executables.get(binary) {
        Some(path) => read(path).map_err(|error| format!("{error:#}")),
        None => Err("it does not build".to_owned()),
    };
    unit.binaries.iter().map(read).collect()
}

/// Adds the binaries of `piece` to the report: as results if all variants have them, else as
/// failed.
fn collect(piece: &Piece<'_>, level: OptLevel, by_variant: &[&BinarySizes], report: &mut Report) {
    for (index, binary) in piece.unit.binaries.iter().enumerate() {
        let mut all_sizes = Vec::new();
        for (sizes, variant) in by_variant.iter().zip(&report.variants) {
            match &sizes[index] {
                Ok(sizes) => all_sizes.push(*sizes),
                Err(reason) => report.failed.push(Failure {
                    target: piece.target.to_owned(),
                    level: level.name(),
                    panic: piece.panic.name(),
                    variant: variant.name.clone(),
                    package: piece.unit.package.clone(),
                    binary: binary.clone(),
                    reason: reason.clone(),
                }),
            }
        }
        if all_sizes.len() == report.variants.len() {
            report.results.push(Measured {
                target: piece.target.to_owned(),
                level,
                panic: piece.panic,
                package: piece.unit.package.clone(),
                binary: binary.clone(),
                sizes: all_sizes,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use measure::passes::PassChoice;

    use super::*;

    fn unit(binaries: &[&str]) -> Unit {
        Unit {
            package: "nrf".into(),
            package_id: "path#nrf".into(),
            targets: vec![],
            features: vec![],
            binaries: binaries.iter().map(|&binary| binary.to_owned()).collect(),
        }
    }

    #[test]
    fn a_binary_that_a_variant_lacks_is_failed_and_no_result() {
        let unit = unit(&["whole", "half"]);
        let piece =
            Piece { unit: &unit, target: "t", panic: PanicStrategy::Abort, linker_flags: vec![] };
        let mut report = Report {
            compiler: String::new(),
            variants: PassChoice::All.variants(&[]).unwrap(),
            results: vec![],
            failed: vec![],
        };
        let size = |flash| Ok(Sizes { flash, ..Sizes::default() });
        let off = vec![size(2), size(4)];
        let on = vec![size(1), Err("it does not build".into())];
        collect(&piece, OptLevel::S, &[&off, &on], &mut report);

        assert_eq!(report.results.len(), 1);
        assert_eq!(report.results[0].binary, "whole");
        let flash: Vec<_> = report.results[0].sizes.iter().map(|sizes| sizes.flash).collect();
        assert_eq!(flash, [2, 1]);
        assert_eq!(report.failed.len(), 1);
        assert_eq!((&*report.failed[0].binary, &*report.failed[0].variant), ("half", "on"));
    }

    #[test]
    fn a_target_without_core_is_told_how_to_get_it() {
        let unit = unit(&[]);
        let piece =
            Piece { unit: &unit, target: "t", panic: PanicStrategy::Abort, linker_flags: vec![] };
        let failure = |messages: &str| {
            let messages = messages.to_owned();
            let built = Built { executables: BTreeMap::new(), success: false, messages };
            piece.failure(OptLevel::S, &Variant::off(), &built)
        };
        let error = failure("error[E0463]: can't find crate for `core`");
        assert!(error.contains("add t to `build.targets`"), "{error}");
        assert!(!failure("error[E0308]: mismatched types").contains("build.targets"));
    }

    #[test]
    fn debug_info_is_only_for_the_async_share_and_calls_are_for_bare_metal() {
        let flags = |target, async_share| flags_to_measure(target, async_share).join(" ");
        let calls = "-Zemit-stack-sizes -Clink-arg=--emit-relocs";
        assert_eq!(flags("thumbv6m-none-eabi", false), calls);
        assert_eq!(flags("thumbv6m-none-eabi", true), format!("{calls} -Cdebuginfo=1"));
        assert_eq!(flags("x86_64-unknown-linux-gnu", false), "-Zemit-stack-sizes");
    }

    #[test]
    fn async_code_cannot_be_read_from_a_program_without_debug_info() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let header = b"\x7fELF\x01\x01\x01";
        let mut program = vec![0; 52];
        program[..header.len()].copy_from_slice(header);
        fs::write(file.path(), program).unwrap();
        let unit = unit(&["app"]);
        let executables = BTreeMap::from([("app".to_owned(), file.path().to_owned())]);
        let built = Built { executables, success: true, messages: String::new() };
        let error = |async_share| {
            read_sizes(&unit, &built, async_share).remove(0).err().unwrap_or_default()
        };
        assert!(error(true).contains("no debug info"), "{}", error(true));
        // It is empty, too, which is no result.
        assert!(error(false).contains("`[target.…]`"), "{}", error(false));
    }

    #[test]
    fn an_executable_that_is_no_elf_file_is_failed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "no program").unwrap();
        let unit = unit(&["app"]);
        let executables = BTreeMap::from([("app".to_owned(), file.path().to_owned())]);
        let built = Built { executables, success: true, messages: String::new() };
        let sizes = read_sizes(&unit, &built, false);
        assert!(sizes[0].as_ref().unwrap_err().contains("not an ELF file"));
    }
}
