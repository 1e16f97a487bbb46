//! A run: builds every program in every variant, counts its instructions, and takes its time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use measure::build_folder;
use measure::cargo_build::{CargoBuild, Job};
use measure::compiler::Compiler;
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;
use measure::progress::Progress;
use measure::project::Project;

use crate::callgrind::Valgrind;
use crate::execution::Call;
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

/// The executables of a program, in the order of [`Measurement::variants`], by level and package.
type Executables<'a> = BTreeMap<(&'static str, &'a str), Vec<PathBuf>>;

impl Measurement {
    /// Builds and measures everything, and stops at the first thing that fails: a program that does
    /// not build or run, or one that comes to another result in another variant.
    pub fn run(&self) -> Result<Report> {
        let modes: usize = self.choices.iter().map(|choice| choice.modes.len()).sum();
        let builds = self.variants.len() * self.project.units.len();
        let measurements = modes * if self.pairs.is_some() { 2 } else { 1 };
        let steps = self.levels.len() * (builds + measurements);
        let mut progress = Progress::new(steps, self.cargo.verbose);
        let executables = self.build(&mut progress)?;
        let mut report = Report {
            compiler: self.compiler.version.clone(),
            valgrind: self.valgrind.version.clone(),
            variants: self.variants.clone(),
            results: Vec::new(),
        };
        for Choice { program, modes } in &self.choices {
            for &level in &self.levels {
                let variants = executables
                    .get(&(level.name(), program.package))
                    .with_context(|| format!("there is no package `{}`", program.package))?;
                for &mode in modes {
                    let of = format!("{} {}, opt-level {level}", program.package, mode.name);
                    report.results.push(Measured {
                        program,
                        mode,
                        level,
                        costs: self.measure(program, mode, variants, &of, &mut progress)?,
                    });
                }
            }
        }
        progress.finish();
        Ok(report)
    }

    /// Builds all that is to be measured.
    fn build(&self, progress: &mut Progress) -> Result<Executables<'_>> {
        let mut all = Executables::new();
        for &level in &self.levels {
            for variant in &self.variants {
                let name = format!("{}-{level}", variant.name);
                let stamp = &self.compiler.stamp;
                let folder = build_folder::prepare(crate::NAME, &self.target_dir, &name, stamp)?;
                for unit in &self.project.units {
                    let package = unit.package.as_str();
                    let what =
                        format!("{package} at opt-level {level} with passes {}", variant.name);
                    progress.begin(&format!("building {what}"));
                    let mut built = self.cargo.run(
                        &self.project,
                        Job {
                            unit,
                            target: &self.compiler.host,
                            level,
                            panic: PanicStrategy::Abort,
                            rustflags: &variant.rustflags,
                            folder: &folder,
                        },
                    )?;
                    self.compiler.check_unchanged()?;
                    match built.executables.remove(package) {
                        Some(path) if built.success => {
                            all.entry((level.name(), package)).or_default().push(path);
                        }
                        _ => bail!("cannot build {what}\n{}", built.messages),
                    }
                }
            }
        }
        Ok(all)
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
        program: &Program,
        mode: &Mode,
        executables: &[PathBuf],
        of: &str,
        progress: &mut Progress,
    ) -> Result<Vec<Cost>> {
        let calls = |iterations: u32| {
            let call = move |path| Call { program: path, mode: mode.name, iterations };
            executables.iter().map(move |path| call(path))
        };
        progress.begin(&format!("counting {of}"));
        let mut costs = Vec::new();
        let mut results = Results::new(&self.variants, program, mode);
        for (index, call) in calls(mode.counted).enumerate() {
            let copy = self.copy(program, call.program)?;
            let (count, checksum) = self.valgrind.count(Call { program: &copy, ..call })?;
            results.add(index, checksum)?;
            costs.push(Cost { count, seconds: Vec::new() });
        }
        let Some(pairs) = self.pairs else { return Ok(costs) };
        progress.begin(&format!("timing {of}"));
        let mut results = Results::new(&self.variants, program, mode);
        // The first time is not like the others: the files may not be in memory yet.
        for round in 0..=pairs {
            for (index, call) in calls(mode.timed).enumerate() {
                let (duration, checksum) = call.time()?;
                results.add(index, checksum)?;
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
