//! Compiles programs in all builds, runs them, and tells what is not as it should be.
//!
//! Many programs are judged together, as one crate. The oracle, which has no passes and does not
//! optimize, says what each does. Then every build of the [matrix](crate::matrix) is made and run.
//! Where the compiler fails, the programs are halved until it is known which one it is. With all
//! passes it has to [tell](crate::told) the same as without, and no larger future.
//!
//! What is suspicious is then looked at alone. A program that behaves differently without the
//! passes, too, is a finding about the base. Else the program is [reduced](crate::reduce).

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::execution;
use crate::finding::{Finding, Kind};
use crate::generate;
use crate::matrix::{Configuration, Memcheck};
use crate::print::Split;
use crate::program::Program;
use crate::reduce;
use crate::told::{Told, ToldOf};
use crate::trace::{self, Endings};
use crate::workshop::{Built, HANGS, Workshop, texts};

/// How long a finding is reduced at most.
const REDUCTION_LIMIT: Duration = Duration::from_secs(90);

/// One that tells of programs.
pub struct Judge<'a> {
    pub workshop: Workshop,
    pub matrix: Vec<Configuration>,
    /// How many programs in a hundred are run by memcheck.
    pub memcheck: u32,
    /// Whether futures are not to be larger with the passes.
    pub sizes: bool,
    /// Whether the first thing that is suspicious is enough.
    pub stop_at_first: bool,
    /// Whether this finding is to be reduced: so many of the kind there are not yet.
    pub is_worth_reducing: &'a (dyn Fn(Kind) -> bool + Sync),
}

/// What is suspicious about one program.
struct Suspicion {
    /// The index of the program.
    program: usize,
    kind: Kind,
    shown_by: Vec<Configuration>,
    messages: String,
}

/// A binary with some of the programs, by their indices.
type Batch = (Vec<usize>, Built);

/// What became of programs in a build, by their indices.
#[derive(Default)]
struct Outcome {
    endings: Endings,
    told: ToldOf,
}

/// The run is to end; what is not known by now is not going to be.
struct Stopped;

impl Judge<'_> {
    /// Judges the programs of `seeds`. Gives none if the run ended before that was done.
    pub fn judge(&self, seeds: &[u64]) -> Result<Option<Vec<Finding>>> {
        let programs: Vec<_> = seeds.iter().map(|&seed| generate::program(seed)).collect();
        let mut suspicions = Vec::new();
        let all: Vec<_> = (0..programs.len()).collect();
        let oracle = Configuration::oracle();
        let Ok(expected) = self.run(&programs, &all, &oracle, &mut suspicions, false)? else {
            return Ok(None);
        };
        for suspicion in &mut suspicions {
            suspicion.kind = Kind::Generator;
        }
        let accepted: Vec<_> = all
            .into_iter()
            .filter(|index| suspicions.iter().all(|suspicion| suspicion.program != *index))
            .collect();
        let mut bases = vec![(oracle, expected.told)];
        let mut for_memcheck = accepted.clone();
        for_memcheck.retain(|&index| is_chosen(programs[index].seed, self.memcheck));
        for configuration in &self.matrix {
            let accepted = match configuration.memcheck {
                Memcheck::WithoutLlvm => &for_memcheck,
                Memcheck::No | Memcheck::Yes => &accepted,
            };
            if accepted.is_empty() {
                continue;
            }
            let memcheck = configuration.memcheck != Memcheck::No;
            let run = self.run(&programs, accepted, configuration, &mut suspicions, memcheck)?;
            let Ok(Outcome { endings, told }) = run else { return Ok(None) };
            let base = bases.iter().find(|(base, _)| base.is_base_of(configuration));
            for &program in accepted {
                let refused = suspicions.iter().any(|suspicion| {
                    suspicion.program == program
                        && suspicion.kind.is_refusal()
                        && suspicion.shown_by.contains(configuration)
                });
                if let Some((_, base)) = base
                    && let (Some(base), Some(told)) = (base.get(&program), told.get(&program))
                {
                    for kind in kinds_told(self.sizes) {
                        let faults = faults(kind, told, base);
                        if !faults.is_empty() {
                            suspect(&mut suspicions, program, kind, configuration, &faults);
                        }
                    }
                }
                let of = (&expected.endings, program);
                let differ = trace::differences(of, (&endings, program), configuration);
                if !differ.is_empty() && !refused {
                    suspect(&mut suspicions, program, Kind::Difference, configuration, "");
                }
            }
            bases.push((configuration.clone(), told));
        }
        let enough = if self.stop_at_first { 1 } else { usize::MAX };
        let findings = suspicions
            .into_iter()
            .take(enough)
            .map(|suspicion| self.look_into(&programs[suspicion.program], suspicion));
        let findings: Result<Vec<_>> = findings.collect();
        Ok(Some(findings?))
    }

    /// Compiles and runs the programs with these indices.
    fn run(
        &self,
        programs: &[Program],
        indices: &[usize],
        configuration: &Configuration,
        suspicions: &mut Vec<Suspicion>,
        memcheck: bool,
    ) -> Result<Result<Outcome, Stopped>> {
        let mut outcome = Outcome::default();
        // A later build takes the place of the binary, so each is run at once.
        let mut waiting = vec![indices.to_vec()];
        let known = suspicions.len();
        let mut refused_together = None;
        while let Some(some) = waiting.pop() {
            if some.is_empty() {
                continue;
            }
            let (some, built) = self.build(programs, some, configuration)?;
            match built {
                Built::Stopped => return Ok(Err(Stopped)),
                Built::Binary(binary, told) => {
                    let told = told.into_iter().filter(|(position, _)| *position < some.len());
                    outcome.told.extend(told.map(|(position, told)| (some[position], told)));
                    let Some(found) = self.workshop.run(&binary)? else { return Ok(Err(Stopped)) };
                    outcome.endings.extend(
                        found.into_iter().filter(|((position, _), _)| *position < some.len()).map(
                            |((position, scenario), ending)| ((some[position], scenario), ending),
                        ),
                    );
                    if memcheck {
                        self.check_memory(programs, &some, &binary, configuration, suspicions)?;
                    }
                }
                Built::Refused(messages) if some.len() == 1 => {
                    let kind = if messages == HANGS { Kind::CompilerHangs } else { Kind::Compiler };
                    suspect(suspicions, some[0], kind, configuration, &messages);
                }
                Built::Refused(messages) => {
                    refused_together.get_or_insert((some[0], messages));
                    let (first, second) = some.split_at(some.len() / 2);
                    waiting.extend([second.to_vec(), first.to_vec()]);
                }
            }
        }
        let named = |suspicion: &Suspicion| suspicion.shown_by.contains(configuration);
        // One that only took too long for all of them had too much else to do.
        if let Some((first, messages)) = refused_together
            && messages != HANGS
            && !suspicions[..known].iter().any(named)
            && suspicions.len() == known
        {
            let messages = format!("Only together with the programs after it:\n{messages}");
            suspect(suspicions, first, Kind::Compiler, configuration, &messages);
        }
        Ok(Ok(outcome))
    }

    fn build(
        &self,
        programs: &[Program],
        indices: Vec<usize>,
        configuration: &Configuration,
    ) -> Result<Batch> {
        let some: Vec<_> = indices.iter().map(|&index| &programs[index]).collect();
        let built = self.workshop.build(&some, configuration)?;
        Ok((indices, built))
    }

    /// Runs a share of the programs in `binary` by memcheck.
    fn check_memory(
        &self,
        programs: &[Program],
        indices: &[usize],
        binary: &std::path::Path,
        configuration: &Configuration,
        suspicions: &mut Vec<Suspicion>,
    ) -> Result<()> {
        let chosen: Vec<_> = (0..indices.len())
            .filter(|&position| is_chosen(programs[indices[position]].seed, self.memcheck))
            .collect();
        for some in chosen.chunks(MEMCHECK_AT_ONCE) {
            if self.workshop.memcheck(binary, some)?.is_none() {
                continue;
            }
            for &position in some {
                if let Some(messages) = self.workshop.memcheck(binary, &[position])? {
                    let program = indices[position];
                    suspect(suspicions, program, Kind::Memcheck, configuration, &messages);
                }
            }
        }
        Ok(())
    }

    /// Makes a finding of what is suspicious about `program`.
    fn look_into(&self, program: &Program, suspicion: Suspicion) -> Result<Finding> {
        let Suspicion { kind, shown_by, mut messages, .. } = suspicion;
        let configuration = shown_by[0].clone();
        let mut found = Finding {
            kind,
            seed: program.seed,
            shown_by,
            scenario: None,
            program: Vec::new(),
            note: String::new(),
            traces: None,
            messages: String::new(),
        };
        let mut reduced = program.clone();
        if kind != Kind::Generator {
            if self.base_shows(program, kind, &configuration)? {
                found.kind = Kind::Base;
            }
            let shown = found.kind;
            if (self.is_worth_reducing)(shown) {
                let start = Instant::now();
                let is_over = || execution::is_stopped() || start.elapsed() > REDUCTION_LIMIT;
                let mut shows = |candidate: &Program| {
                    let is_shown = self.shows(candidate, kind, &configuration, shown);
                    is_shown.is_ok_and(|is_shown| is_shown)
                };
                reduced = reduce::reduce(reduced, &mut shows, &is_over);
                if is_over() {
                    found.note = "It was not reduced to the end.".into();
                }
            } else {
                found.note = "It was not reduced: there are others of its kind.".into();
            }
        }
        let split = if configuration.auxiliary.is_some() { Split::Yes } else { Split::No };
        found.program = texts(&reduced, split);
        self.add_traces(&reduced, &configuration, &mut found, &mut messages)?;
        found.messages = messages;
        Ok(found)
    }

    /// Whether the build without passes has the same fault.
    fn base_shows(
        &self,
        program: &Program,
        kind: Kind,
        configuration: &Configuration,
    ) -> Result<bool> {
        self.fails(program, kind, &configuration.without_passes())
    }

    /// Whether `program` shows what is to be shown: a fault of the base, or one of the passes.
    fn shows(
        &self,
        program: &Program,
        kind: Kind,
        configuration: &Configuration,
        shown: Kind,
    ) -> Result<bool> {
        let base = configuration.without_passes();
        if shown == Kind::Base {
            return self.fails(program, kind, &base);
        }
        // The one that fails for most candidates comes first.
        Ok(self.fails(program, kind, configuration)? && !self.fails(program, kind, &base)?)
    }

    /// Whether a build has a fault of the kind. One that the oracle has is no fault.
    fn fails(&self, program: &Program, kind: Kind, configuration: &Configuration) -> Result<bool> {
        if kind.is_told() {
            return Ok(!self.faults_told(program, kind, configuration)?.is_empty());
        }
        let run = |configuration: &Configuration| -> Result<Option<Endings>> {
            match self.workshop.build(&[program], configuration)? {
                Built::Binary(binary, _) => self.workshop.run(&binary),
                _ => Ok(None),
            }
        };
        let Some(expected) = run(&Configuration::oracle())? else { return Ok(false) };
        let built = self.workshop.build(&[program], configuration)?;
        Ok(match (kind, built) {
            (Kind::Difference, Built::Binary(binary, _)) => {
                self.workshop.run(&binary)?.is_some_and(|endings| {
                    !trace::differences((&expected, 0), (&endings, 0), configuration).is_empty()
                })
            }
            (Kind::Memcheck, Built::Binary(binary, _)) => {
                self.workshop.memcheck(&binary, &[0])?.is_some()
            }
            (Kind::Compiler, Built::Refused(messages)) => messages != HANGS,
            (Kind::CompilerHangs, Built::Refused(messages)) => messages == HANGS,
            _ => false,
        })
    }

    /// What is wrong with what the compiler tells of a program in a build, which is nothing if it
    /// has no passes.
    fn faults_told(
        &self,
        program: &Program,
        kind: Kind,
        configuration: &Configuration,
    ) -> Result<String> {
        let base = configuration.without_passes();
        if base == *configuration {
            return Ok(String::new());
        }
        let told = |configuration: &Configuration| -> Result<Option<Told>> {
            Ok(match self.workshop.build(&[program], configuration)? {
                Built::Binary(_, mut told) => told.remove(&0),
                _ => None,
            })
        };
        // The one that refuses most candidates comes first.
        let Some(base) = told(&base)? else { return Ok(String::new()) };
        let Some(told) = told(configuration)? else { return Ok(String::new()) };
        Ok(faults(kind, &told, &base))
    }

    /// Adds the traces of the two builds of the reduced program, as it is written down.
    fn add_traces(
        &self,
        reduced: &Program,
        configuration: &Configuration,
        found: &mut Finding,
        messages: &mut String,
    ) -> Result<()> {
        if found.kind.is_told() {
            let faults = self.faults_told(reduced, found.kind, configuration)?;
            if !faults.is_empty() {
                *messages = faults;
            }
            return Ok(());
        }
        // What it says is for people here.
        let configuration = &Configuration { tells: false, ..configuration.clone() };
        let whole = configuration.auxiliary.is_none();
        let build = |configuration: &Configuration| {
            if whole {
                self.workshop.build_text(&found.program[0].1, configuration)
            } else {
                self.workshop.build(&[reduced], configuration)
            }
        };
        let oracle = Configuration { tells: false, ..Configuration::oracle() };
        let (first, second) = match found.kind {
            Kind::Base => (oracle.clone(), configuration.without_passes()),
            _ => (configuration.without_passes(), configuration.clone()),
        };
        let Built::Binary(binary, _) = build(&oracle)? else { return Ok(()) };
        let Some(expected) = self.workshop.run(&binary)? else { return Ok(()) };
        let binary = match build(&second)? {
            Built::Binary(binary, _) => binary,
            Built::Refused(said) => {
                *messages = said;
                return Ok(());
            }
            Built::Stopped => return Ok(()),
        };
        let Some(endings) = self.workshop.run(&binary)? else { return Ok(()) };
        let differ = trace::differences((&expected, 0), (&endings, 0), &second);
        let Some(&scenario) = differ.first() else {
            if found.kind == Kind::Difference {
                found.note += " In one crate with the runtime it is not to be seen.";
            }
            return Ok(());
        };
        found.scenario = Some(scenario);
        let trace_found = self.workshop.full_trace(&binary, scenario)?.unwrap_or_default();
        let Built::Binary(binary, _) = build(&first)? else { return Ok(()) };
        let trace_expected = self.workshop.full_trace(&binary, scenario)?.unwrap_or_default();
        found.traces = Some([trace_expected, trace_found]);
        Ok(())
    }
}

/// The kinds of faults that what the compiler tells may have, and that count.
fn kinds_told(sizes: bool) -> impl Iterator<Item = Kind> {
    let counts = move |kind: &Kind| sizes || *kind != Kind::Larger;
    [Kind::Warnings, Kind::Larger].into_iter().filter(counts)
}

/// What is wrong with what is told of a build, if without the passes this is `base`.
fn faults(kind: Kind, told: &Told, base: &Told) -> String {
    match kind {
        Kind::Larger => told.larger_than(base).concat(),
        Kind::Warnings => told.other_warnings(base).concat(),
        _ => String::new(),
    }
}

/// Adds that `configuration` shows something of a program.
fn suspect(
    suspicions: &mut Vec<Suspicion>,
    program: usize,
    kind: Kind,
    configuration: &Configuration,
    messages: &str,
) {
    let known = |suspicion: &&mut Suspicion| suspicion.program == program && suspicion.kind == kind;
    match suspicions.iter_mut().find(known) {
        Some(suspicion) => suspicion.shown_by.push(configuration.clone()),
        None => suspicions.push(Suspicion {
            program,
            kind,
            shown_by: vec![configuration.clone()],
            messages: messages.to_owned(),
        }),
    }
}

/// How many programs memcheck runs in one go. A program is far slower then, and has no more time.
const MEMCHECK_AT_ONCE: usize = 4;

/// Whether the program of `seed` is one of so many in a hundred.
fn is_chosen(seed: u64, percent: u32) -> bool {
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 < u64::from(percent) * (1 << 32) / 100
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use measure::opt_level::OptLevel;

    use super::*;
    use crate::matrix;
    use crate::workshop::{self, Tools};

    #[test]
    fn a_share_of_the_seeds_is_chosen() {
        let chosen = (0..10_000).filter(|&seed| is_chosen(seed, 2)).count();
        assert!((150..250).contains(&chosen), "{chosen}");
        assert!((0..100).all(|seed| is_chosen(seed, 100)));
        assert!(!(0..100).any(|seed| is_chosen(seed, 0)));
    }

    /// Held by tests that run programs: none can be run that another thread is about to write.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    /// What is found in so many programs by the compiler that `tools` name, in builds at `level`.
    fn judge(mut tools: Tools, level: OptLevel, count: u64) -> Vec<Finding> {
        let folder = tempfile::tempdir().unwrap();
        tools.choose_linker(folder.path());
        workshop::build_runtimes(&tools, folder.path()).unwrap();
        let judge = Judge {
            workshop: Workshop::open(&tools, folder.path(), "job").unwrap(),
            matrix: matrix::matrix(&["ElideNoAwait"], &["ElideNoAwait"], &[level]),
            memcheck: 0,
            sizes: true,
            stop_at_first: true,
            is_worth_reducing: &|_| false,
        };
        let seeds: Vec<_> = (0..count).collect();
        judge.judge(&seeds).unwrap().unwrap()
    }

    /// Any compiler has to build the programs, and at any level they have to do the same.
    #[test]
    fn programs_do_the_same_at_all_levels() {
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(rustc) = which::which("rustc") else { return };
        let findings = judge(Tools::bare(rustc, false), OptLevel::Z, 60);
        assert!(findings.is_empty(), "{findings:#?}");
    }

    /// A compiler that knows no passes plays one that has them. It is a script, which runs
    /// `changes` before it compiles; `$passes` tells whether they are on.
    #[cfg(unix)]
    fn found_by_script(count: u64, changes: &str) -> Option<Vec<Finding>> {
        use std::os::unix::fs::PermissionsExt;

        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let rustc = which::which("rustc").ok()?;
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("rustc");
        let text = format!(
            "#!/bin/sh\npasses=no\nfor word; do shift; case $word in\n-Z*=no) passes=yes;;\n\
             -Z*) ;;\n*) set -- \"$@\" \"$word\";;\nesac; done\n{changes}\nexec {} \"$@\"\n",
            rustc.display()
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        Some(judge(Tools::bare(script, true), OptLevel::O1, count))
    }

    #[cfg(unix)]
    #[test]
    fn a_drop_that_passes_forget_is_found() {
        let found = found_by_script(
            60,
            "for word; do case $passes$word in yes*programs.rs)\n\
             sed -i 's/^ *drop(v/std::mem::forget(v/' \"$word\";;\nesac; done",
        );
        let Some(findings) = found else { return };
        let [finding] = &findings[..] else { panic!("{findings:#?}") };
        assert_eq!(finding.kind, Kind::Difference);
        let [expected, found] = finding.traces.as_ref().unwrap();
        assert!(found.contains("Leaked") && !expected.contains("Leaked"), "{found}");
    }

    #[cfg(unix)]
    #[test]
    fn a_future_that_is_larger_with_passes_is_found() {
        let found = found_by_script(
            3,
            "size=8; [ $passes = yes ] && size=12\n\
             echo \"print-type-size type: \\`{async fn body of p0::f1()}\\`: $size bytes, a\"",
        );
        let Some(findings) = found else { return };
        let [finding] = &findings[..] else { panic!("{findings:#?}") };
        assert_eq!((finding.kind, finding.seed), (Kind::Larger, 0));
        assert_eq!(finding.messages, "8 -> 12 bytes: {async fn body of p::f1()}\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_warning_that_only_passes_cause_is_found() {
        let found = found_by_script(
            3,
            "[ $passes = yes ] && echo '/a/programs.rs:4:1: warning: it is unreachable' >&2",
        );
        let Some(findings) = found else { return };
        let [finding] = &findings[..] else { panic!("{findings:#?}") };
        assert_eq!((finding.kind, finding.seed), (Kind::Warnings, 0));
        assert_eq!(finding.messages, "+ programs.rs:1:1: warning: it is unreachable\n");
    }

    #[test]
    fn sizes_count_only_if_they_are_to() {
        let kinds = |sizes| kinds_told(sizes).collect::<Vec<_>>();
        assert_eq!(kinds(true), [Kind::Warnings, Kind::Larger]);
        assert_eq!(kinds(false), [Kind::Warnings]);
    }
}
