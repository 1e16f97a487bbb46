//! The programs that are measured, which are in the folder `programs` of this package.
//!
//! A program is called with a mode and a number of iterations, and prints the mode and a checksum
//! in one line, and maybe bytes; see [`Printed`](crate::output::Printed). What follows the checksum
//! may differ from variant to variant.

use anyhow::{Result, bail};
use measure::arguments::unique;
use measure::panic_strategy::PanicStrategy;

/// A program.
#[derive(Debug, PartialEq)]
pub struct Program {
    /// The name of its package, and of the binary in that.
    pub package: &'static str,
    /// What it can do.
    pub modes: &'static [Mode],
    /// How it is built if the command line does not say.
    pub panics: &'static [PanicStrategy],
    /// Whether an iteration is a request, so that the report for people tells what one costs.
    pub has_requests: bool,
}

/// A mode of a program.
#[derive(Debug, PartialEq)]
pub struct Mode {
    /// The name, as the program takes it.
    pub name: &'static str,
    /// How many iterations are run to count instructions.
    pub counted: u32,
    /// How many iterations are run to take the time: so many that they take 20 to 200 ms.
    pub timed: u32,
    /// The mode that does the same without async, in as many iterations, if there is one.
    pub plain: Option<&'static str>,
}

impl Mode {
    const fn new(name: &'static str, counted: u32, timed: u32) -> Self {
        Mode { name, counted, timed, plain: None }
    }

    /// The mode with `plain` as the one that does the same without async.
    const fn by(self, plain: &'static str) -> Self {
        Mode { plain: Some(plain), ..self }
    }
}

/// Every program. The checksum of `hal-tree` is 0 if the iterations are a multiple of four; what
/// these counts have more than a round number is for that.
pub const ALL: [Program; 3] = [
    Program {
        package: "hal-tree",
        modes: &[
            Mode::new("sync", 100_002, 12_000_002),
            Mode::new("concrete", 100_002, 6_000_002).by("sync"),
            Mode::new("generic", 100_002, 6_000_002).by("sync"),
            Mode::new("suspending", 100_002, 1_500_002).by("sync"),
        ],
        panics: &[PanicStrategy::Abort],
        has_requests: false,
    },
    Program {
        package: "smol-work",
        modes: &[
            Mode::new("channels", 1_000, 25_000),
            Mode::new("timers", 1_000, 20_000),
            Mode::new("locks", 1_000, 15_000),
            Mode::new("calls", 1_000, 80_000),
            Mode::new("ready", 5_000, 160_000),
            Mode::new("waiting", 1_000, 15_000),
            Mode::new("all", 500, 3_000),
        ],
        panics: &[PanicStrategy::Abort],
        has_requests: false,
    },
    Program {
        package: "server",
        modes: &[
            Mode::new("http", 10_000, 10_000),
            Mode::new("kv", 20_000, 30_000),
            Mode::new("mesh", 100_000, 150_000),
            Mode::new("stack", 200_000, 300_000),
            Mode::new("stack-ready", 1_000_000, 3_000_000).by("stack-sync"),
            Mode::new("stack-sync", 1_000_000, 3_000_000),
        ],
        panics: &[PanicStrategy::Unwind, PanicStrategy::Abort],
        has_requests: true,
    },
];

/// What `--help` says of `--mode`.
pub const MODES_HELP: &str = "\
Measure only this mode; several with commas between them. The modes of hal-tree, a small driver
stack, are
  sync         plain functions, with which the others are compared
  concrete     async functions over one bus, which is always ready
  generic      async functions over any bus
  suspending   async functions over a bus that is not ready on every fourth access
those of smol-work, which runs on the executor smol, are
  channels     messages through a chain of tasks
  timers       time limits that are not reached, and some timers that are
  locks        tasks that take turns at mutexes and a semaphore
  calls        deep trees of calls
  ready        futures that finish at once
  waiting      futures that are polled several times
  all          all of these at the same time
and those of server, which runs on tokio with its clients in the same process, are
  http         HTTP/1 on hyper
  kv           a key-value server with a protocol of lines
  mesh         actors that pass requests on
  stack        layers of generic traits, over a storage that waits on every fourth access
  stack-ready  the same without time limits, over a storage that never waits
  stack-sync   plain functions, with which stack-ready is compared";

/// What `--help` says of `--panic`.
pub const PANIC_HELP: &str = "\
Build programs that do this when they panic; several with commas between them. By default \
server is built with each of the two, and the others with abort";

/// A program, and what a run measures of it.
#[derive(Debug)]
pub struct Choice {
    /// The program.
    pub program: &'static Program,
    /// Its modes; at least one.
    pub modes: Vec<&'static Mode>,
    /// The panic strategies to build it with; at least one.
    pub panics: Vec<PanicStrategy>,
}

/// The programs and modes with the names, and the panic strategies; all where there are none, but
/// only a program's own strategies. Fails if no chosen program has one of the modes.
pub fn choose(
    programs: &[String],
    modes: &[String],
    panics: &[PanicStrategy],
) -> Result<Vec<Choice>> {
    static PROGRAMS: [Program; 3] = ALL;
    let is_among =
        |name: &str, names: &[String]| names.is_empty() || names.iter().any(|other| other == name);
    let chosen: Vec<_> =
        PROGRAMS.iter().filter(|program| is_among(program.package, programs)).collect();
    let all_modes = || chosen.iter().flat_map(|program| program.modes.iter());
    if let Some(missing) = modes.iter().find(|name| !all_modes().any(|mode| mode.name == **name)) {
        let known: Vec<_> = all_modes().map(|mode| mode.name).collect();
        bail!("there is no mode `{missing}`; there are {}", known.join(", "));
    }
    Ok(chosen
        .into_iter()
        .map(|program| Choice {
            program,
            modes: program.modes.iter().filter(|mode| is_among(mode.name, modes)).collect(),
            panics: unique(if panics.is_empty() { program.panics } else { panics }.iter().copied()),
        })
        .filter(|choice| !choice.modes.is_empty())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose_by_name(
        programs: &[&str],
        modes: &[&str],
        panics: &[PanicStrategy],
    ) -> Result<Vec<Choice>> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.into()).collect::<Vec<String>>();
        choose(&owned(programs), &owned(modes), panics)
    }

    fn chosen(programs: &[&str], modes: &[&str]) -> Result<Vec<String>> {
        let names = |choice: &Choice| {
            let modes: Vec<_> = choice.modes.iter().map(|mode| mode.name).collect();
            format!("{}: {}", choice.program.package, modes.join(" "))
        };
        Ok(choose_by_name(programs, modes, &[])?.iter().map(names).collect())
    }

    #[test]
    fn without_names_everything_is_chosen() {
        let all = chosen(&[], &[]).unwrap();
        assert_eq!(all[0], "hal-tree: sync concrete generic suspending");
        assert_eq!(all[1], "smol-work: channels timers locks calls ready waiting all");
        assert_eq!(all[2], "server: http kv mesh stack stack-ready stack-sync");
    }

    #[test]
    fn a_mode_chooses_the_program_that_has_it() {
        assert_eq!(chosen(&[], &["all", "locks"]).unwrap(), ["smol-work: locks all"]);
        assert_eq!(chosen(&["hal-tree"], &["sync"]).unwrap(), ["hal-tree: sync"]);
    }

    #[test]
    fn a_program_has_its_own_panic_strategies_unless_some_are_named() {
        use PanicStrategy::{Abort, Unwind};
        let panics = |named: &[PanicStrategy]| {
            let choices = choose_by_name(&["smol-work", "server"], &[], named).unwrap();
            choices.into_iter().map(|choice| choice.panics).collect::<Vec<_>>()
        };
        assert_eq!(panics(&[]), [vec![Abort], vec![Unwind, Abort]]);
        assert_eq!(panics(&[Unwind, Unwind]), [[Unwind], [Unwind]]);
    }

    #[test]
    fn a_mode_that_no_chosen_program_has_is_an_error_with_the_right_ones() {
        let error = chosen(&["hal-tree"], &["timers"]).unwrap_err().to_string();
        assert!(error.contains("`timers`") && error.contains("suspending"), "{error}");
    }

    #[test]
    fn a_plain_mode_is_a_mode_of_as_many_iterations() {
        for modes in ALL.map(|program| program.modes) {
            for (mode, plain) in modes.iter().filter_map(|mode| Some((mode, mode.plain?))) {
                let plain = modes.iter().find(|other| other.name == plain).unwrap();
                assert_eq!((plain.counted, plain.plain), (mode.counted, None));
            }
        }
    }
}
