//! A run: builds every program in every variant, counts its instructions, and takes its time.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use anyhow::{Context, Result, bail};
use measure::build_folder;
use measure::cargo_build::{CargoBuild, Job};
use measure::compiler::Compiler;
use measure::elf::Sizes;
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;
use measure::progress::Progress;
use measure::project::Project;

use crate::callgrind::Valgrind;
use crate::execution::Call;
use crate::output::Printed;
use crate::programs::{Choice, Mode, Program};
use crate::report::{Cost, Measured, Report};

/// All that a run needs to know.
#[derive(Debug)]
pub struct Measurement {
    /// The compiler.
    pub compiler: Compiler,
    /// How cargo is called.
    pub cargo: CargoBuild,
    /// The programs, as cargo knows them.
    pub project: Project,
    /// What counts the instructions.
    pub valgrind: Valgrind,
    /// The programs and modes to measure.
    pub choices: Vec<Choice>,
    /// The optimization levels, in the order of the report.
    pub levels: Vec<OptLevel>,
    /// The variants; the first one is the one that others are compared with.
    pub variants: Vec<Variant>,
    /// How many times each variant is timed, if at all.
    pub pairs: Option<u32>,
    /// The folder for all that is built.
    pub target_dir: PathBuf,
}

/// A program as it is built in every variant.
#[derive(Clone, Copy, Debug)]
struct Setup<'a> {
    choice: &'a Choice,
    panic: PanicStrategy,
    level: OptLevel,
}

impl fmt::Display for Setup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setup { choice, panic, level } = self;
        write!(f, "{}, panic {panic}, opt-level {level}", choice.program.package)
    }
}

/// What was built in one variant.
#[derive(Debug)]
struct Executable {
    path: PathBuf,
    /// The bytes of its code.
    text: u64,
}

impl Measurement {
    /// Builds and measures everything, and stops at the first thing that fails: a program that does
    /// not build or run, or one that comes to another result in another variant.
    pub fn run(&self) -> Result<Report> {
        let setups = self.setups();
        let modes: usize = setups.iter().map(|setup| setup.choice.modes.len()).sum();
        let measurements = modes * if self.pairs.is_some() { 2 } else { 1 };
        let steps = setups.len() * self.variants.len() + measurements;
        let mut progress = Progress::new(steps, self.cargo.verbose);
        let mut built = Vec::new();
        for &setup in &setups {
            let build = |variant| self.build(setup, variant, &mut progress);
            built.push(self.variants.iter().map(build).collect::<Result<Vec<_>>>()?);
        }
        let mut report = Report {
            compiler: self.compiler.version.clone(),
            valgrind: self.valgrind.version.clone(),
            variants: self.variants.clone(),
            results: Vec::new(),
        };
        for (&setup, executables) in setups.iter().zip(&built) {
            for &mode in &setup.choice.modes {
                report.results.push(Measured {
                    program: setup.choice.program,
                    mode,
                    panic: setup.panic,
                    level: setup.level,
                    costs: self.measure(setup, mode, executables, &mut progress)?,
                });
            }
        }
        progress.finish();
        Ok(report)
    }

    /// All that is built, in the order of the report.
    fn setups(&self) -> Vec<Setup<'_>> {
        let mut setups = Vec::new();
        for choice in &self.choices {
            for &panic in &choice.panics {
                setups.extend(self.levels.iter().map(|&level| Setup { choice, panic, level }));
            }
        }
        setups
    }

    /// Builds a program in one variant.
    fn build(
        &self,
        setup: Setup<'_>,
        variant: &Variant,
        progress: &mut Progress,
    ) -> Result<Executable> {
        let Setup { choice, panic, level } = setup;
        let package = choice.program.package;
        progress.begin(&format!("building {setup}, passes {}", variant.name));
        let name = format!("{}-{level}-{panic}", variant.name);
        let stamp = &self.compiler.stamp;
        let folder = build_folder::prepare(crate::NAME, &self.target_dir, &name, stamp)?;
        let unit = self.project.units.iter().find(|unit| unit.package == package);
        let mut built = self.cargo.run(
            &self.project,
            Job {
                unit: unit.with_context(|| format!("there is no package `{package}`"))?,
                target: &self.compiler.host,
                level,
                panic,
                rustflags: &variant.rustflags,
                folder: &folder,
            },
        )?;
        self.compiler.check_unchanged()?;
        match built.executables.remove(package) {
            Some(path) if built.success => {
                let unread = || format!("cannot read `{}`", path.display());
                let file = fs::read(&path).with_context(unread)?;
                let text = Sizes::read(&file).with_context(unread)?.text;
                Ok(Executable { path, text })
            }
            _ => bail!("cannot build {setup}, passes {}\n{}", variant.name, built.messages),
        }
    }

    /// A copy of an `executable` of `program`, at a place that all variants share: when a program
    /// starts, the standard library reads where its parts are in memory, and that has their paths.
    fn copy(&self, program: &Program, executable: &Path) -> Result<PathBuf> {
        let copy = self.target_dir.join(program.package);
        fs::copy(executable, &copy).with_context(|| {
            format!("cannot copy `{}` to `{}`", executable.display(), copy.display())
        })?;
        Ok(copy)
    }

    /// What a mode costs in each of the variants, which are `executables`.
    fn measure(
        &self,
        setup: Setup<'_>,
        mode: &Mode,
        executables: &[Executable],
        progress: &mut Progress,
    ) -> Result<Vec<Cost>> {
        let program = setup.choice.program;
        progress.begin(&format!("counting {setup}, mode {}", mode.name));
        let mut costs = Vec::new();
        let mut results = Results::new(&self.variants, program, mode);
        for (index, executable) in executables.iter().enumerate() {
            let copy = self.copy(program, &executable.path)?;
            let call = Call { program: &copy, mode: mode.name, iterations: mode.counted };
            let (count, Printed { checksum, allocated, futures }) = self.valgrind.count(call)?;
            results.add(index, checksum)?;
            let text = executable.text;
            costs.push(Cost { count, allocated, futures, text, seconds: Vec::new() });
        }
        let Some(pairs) = self.pairs else { return Ok(costs) };
        progress.begin(&format!("timing {setup}, mode {}", mode.name));
        let mut results = Results::new(&self.variants, program, mode);
        // The first time is not like the others: the files may not be in memory yet.
        for round in 0..=pairs {
            for (index, executable) in executables.iter().enumerate() {
                let program = executable.path.as_path();
                let call = Call { program, mode: mode.name, iterations: mode.timed };
                let (duration, printed) = call.time()?;
                results.add(index, printed.checksum)?;
                if round > 0 {
                    costs[index].seconds.push(duration.as_secs_f64());
                }
            }
        }
        Ok(costs)
    }
}

/// What all variants of a mode came to, which has to be the same.
struct Results<'a> {
    variants: &'a [Variant],
    program: &'a Program,
    mode: &'a Mode,
    /// The first checksum of all.
    expected: Option<String>,
}

impl<'a> Results<'a> {
    fn new(variants: &'a [Variant], program: &'a Program, mode: &'a Mode) -> Self {
        Results { variants, program, mode, expected: None }
    }

    /// Fails if the `checksum`, which is of the variant at `index`, is not the first one.
    fn add(&mut self, index: usize, checksum: String) -> Result<()> {
        let expected = self.expected.get_or_insert_with(|| checksum.clone());
        if *expected != checksum {
            bail!(
                "{} {} comes to {checksum} in variant {}, but to {expected} in variant {}; \
                 a pass may have changed what the program does",
                self.program.package,
                self.mode.name,
                self.variants[index].name,
                self.variants[0].name
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use measure::passes::PassChoice;

    use super::*;
    use crate::programs;

    #[test]
    fn another_checksum_is_an_error_that_names_the_variant() {
        let variants = PassChoice::All.variants(&[]).unwrap();
        let program = &programs::ALL[0];
        let mut results = Results::new(&variants, program, &program.modes[1]);
        results.add(0, "12".into()).unwrap();
        results.add(1, "12".into()).unwrap();
        let error = results.add(1, "13".into()).unwrap_err().to_string();
        let expected = "hal-tree concrete comes to 13 in variant on, but to 12 in variant off";
        assert!(error.starts_with(expected), "{error}");
    }
}
