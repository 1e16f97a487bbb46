//! Small programs for what people who use async Rust complain of.
//!
//! They are in the folder `complaints` of this tool, and say there what the complaint is. Each is
//! [compiled](compile) alone to an object file with the passes off and on, and with them on as one
//! would write it by hand. So it needs no linker, and both panic strategies have the same target.

mod compile;
mod programs;
mod report;

use std::path::Path;

use anyhow::{Result, bail};
use measure::compiler::Compiler;
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;
use measure::progress::Progress;
use serde::Serialize;

use self::compile::{Build, Library};
use self::programs::{Form, forms};
use crate::arguments::Arguments;
use crate::compare::{self, Comparison};

/// The target, unless the arguments name others.
const TARGET: &str = "thumbv7em-none-eabi";

/// The name of the variant that is written by hand, with the passes on.
const BY_HAND: &str = "by hand";

/// What a program takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Footprint {
    /// The future.
    pub future: u64,
    /// The code.
    pub text: u64,
    /// The largest stack frame of a poll.
    pub frame: u64,
    /// The largest sum of frames along a chain of direct calls from a poll, without functions of
    /// other crates that are not generic; none if the calls are not known.
    pub stack: Option<u64>,
}

/// The programs that were compiled for one target, level and panic strategy.
#[derive(Debug)]
pub struct Group {
    /// The triple.
    pub target: String,
    /// The optimization level.
    pub level: OptLevel,
    /// What a panic does.
    pub panic: PanicStrategy,
    /// The programs.
    pub rows: Vec<Row>,
}

/// What a program takes, or a form of one.
#[derive(Debug)]
pub struct Row {
    /// The name of the program, and that of the form if it has one.
    pub label: String,
    /// What it takes, in the order of the variants.
    pub variants: Vec<Footprint>,
    /// What it takes when it is written by hand, if that is another program.
    pub by_hand: Option<Footprint>,
}

/// Measures the programs that the arguments choose, and writes the report. Fails if one does not
/// compile, or if passes are compared and all together are worse somewhere.
pub fn run(arguments: &Arguments) -> Result<()> {
    let compiler = arguments.common.compiler()?;
    let variants = arguments.variants(&compiler)?;
    if !arguments.compare_passes && variants.len() != 2 {
        bail!("--complaints compares with one set of passes; name it, or give --compare-passes");
    }
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("complaints");
    let forms = forms(&package, &arguments.binaries)?;
    let mut targets = arguments.targets();
    if targets.is_empty() {
        targets.push(TARGET.into());
    }
    let mut panics = arguments.panics();
    if panics.is_empty() {
        panics.push(PanicStrategy::Abort);
    }
    let mut settings = Vec::new();
    for target in targets {
        for level in arguments.levels(&[OptLevel::Z]) {
            settings.extend(panics.iter().map(|&panic| (target.clone(), level, panic)));
        }
    }
    let with_hand = !arguments.compare_passes;
    let steps = settings.len() * (variants.len() + usize::from(with_hand));
    let mut progress = Progress::new(steps, arguments.common.verbose);
    let mut groups = Vec::new();
    for (target, level, panic) in settings {
        let mut group = Group { target, level, panic, rows: Vec::new() };
        group.measure(&compiler, &package, &forms, &variants, with_hand, &mut progress)?;
        groups.push(group);
    }
    progress.finish();
    if arguments.compare_passes {
        let comparison = Comparison::of_complaints(&compiler.version, &variants, &groups);
        return compare::report(arguments, &comparison);
    }
    let table = report::table(&compiler.version, &variants, &groups);
    arguments.common.write(&table, report::json(&compiler.version, &variants, &groups), "")
}

impl Group {
    /// Compiles all `forms` of `package` with each variant, and by hand if `with_hand` says so.
    fn measure(
        &mut self,
        compiler: &Compiler,
        package: &Path,
        forms: &[Form],
        variants: &[Variant],
        with_hand: bool,
        progress: &mut Progress,
    ) -> Result<()> {
        let Group { target, level, panic, rows } = self;
        rows.extend(forms.iter().map(|form| Row {
            label: form.label.clone(),
            variants: Vec::new(),
            by_hand: None,
        }));
        let by_hand = variants.last().filter(|_| with_hand).map(|variant| (variant, true));
        for (variant, by_hand) in variants.iter().map(|variant| (variant, false)).chain(by_hand) {
            let name = if by_hand { BY_HAND } else { &variant.name };
            progress.begin(&format!("{name}, opt-level {level}, panic {panic} for {target}"));
            let build = Build { compiler, target, level: *level, panic: *panic, variant };
            let library = Library::new(build, package)?;
            for (form, row) in forms.iter().zip(&mut *rows) {
                if !by_hand {
                    row.variants.push(library.measure(form, false)?);
                } else if form.has_by_hand {
                    row.by_hand = Some(library.measure(form, true)?);
                }
            }
            compiler.check_unchanged()?;
        }
        Ok(())
    }

    /// What the programs of the group have in common, in words.
    pub fn title(&self) -> String {
        format!("{}, opt-level {}, panic {}", self.target, self.level, self.panic)
    }
}
