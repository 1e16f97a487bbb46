//! The programs that are measured, which are in the folder `programs` of this package.
//!
//! A program is called with a mode and a number of iterations, and prints the mode and a checksum
//! in one line. What follows these two words may differ from variant to variant.

use anyhow::{Result, bail};

/// A program.
#[derive(Debug, PartialEq)]
pub struct Program {
    /// The name of its package, and of the binary in that.
    pub package: &'static str,
    /// What it can do.
    pub modes: &'static [Mode],
    /// The mode that does the work of the others without async, if there is one.
    pub plain: Option<&'static str>,
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
}

/// Every program. The checksum of `hal-tree` is 0 if the iterations are a multiple of four; what
/// these counts have more than a round number is for that.
pub const ALL: [Program; 2] = [
    Program {
        package: "hal-tree",
        modes: &[
            Mode { name: "sync", counted: 100_002, timed: 12_000_002 },
            Mode { name: "concrete", counted: 100_002, timed: 6_000_002 },
            Mode { name: "generic", counted: 100_002, timed: 6_000_002 },
            Mode { name: "suspending", counted: 100_002, timed: 1_500_002 },
        ],
        plain: Some("sync"),
    },
    Program {
        package: "smol-work",
        modes: &[
            Mode { name: "channels", counted: 1_000, timed: 25_000 },
            Mode { name: "timers", counted: 1_000, timed: 20_000 },
            Mode { name: "locks", counted: 1_000, timed: 15_000 },
            Mode { name: "calls", counted: 1_000, timed: 80_000 },
            Mode { name: "ready", counted: 5_000, timed: 160_000 },
            Mode { name: "waiting", counted: 1_000, timed: 15_000 },
            Mode { name: "all", counted: 500, timed: 3_000 },
        ],
        plain: None,
    },
];

/// What `--help` says of `--mode`.
pub const MODES_HELP: &str = "\
Measure only this mode; can be given several times. The modes of hal-tree, a small driver stack, are
  sync        plain functions, with which the others are compared
  concrete    async functions over one bus, which is always ready
  generic     async functions over any bus
  suspending  async functions over a bus that is not ready on every fourth access
and those of smol-work, which runs on the executor smol, are
  channels    messages through a chain of tasks
  timers      time limits that are not reached, and some timers that are
  locks       tasks that take turns at mutexes and a semaphore
  calls       deep trees of calls
  ready       futures that finish at once
  waiting     futures that are polled several times
  all         all of these at the same time";

/// A program, and the modes of it that a run measures.
#[derive(Debug)]
pub struct Choice {
    /// The program.
    pub program: &'static Program,
    /// Its modes; at least one.
    pub modes: Vec<&'static Mode>,
}

/// The programs and modes with the names; all where there are none. Fails if no chosen program has
/// one of the modes.
pub fn choose(programs: &[String], modes: &[String]) -> Result<Vec<Choice>> {
    static PROGRAMS: [Program; 2] = ALL;
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
        })
        .filter(|choice| !choice.modes.is_empty())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(programs: &[&str], modes: &[&str]) -> Result<Vec<String>> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.into()).collect::<Vec<String>>();
        let names = |choice: &Choice| {
            let modes: Vec<_> = choice.modes.iter().map(|mode| mode.name).collect();
            format!("{}: {}", choice.program.package, modes.join(" "))
        };
        Ok(choose(&owned(programs), &owned(modes))?.iter().map(names).collect())
    }

    #[test]
    fn without_names_everything_is_chosen() {
        let all = chosen(&[], &[]).unwrap();
        assert_eq!(all[0], "hal-tree: sync concrete generic suspending");
        assert_eq!(all[1], "smol-work: channels timers locks calls ready waiting all");
    }

    #[test]
    fn a_mode_chooses_the_program_that_has_it() {
        assert_eq!(chosen(&[], &["all", "locks"]).unwrap(), ["smol-work: locks all"]);
        assert_eq!(chosen(&["hal-tree"], &["sync"]).unwrap(), ["hal-tree: sync"]);
    }

    #[test]
    fn a_mode_that_no_chosen_program_has_is_an_error_with_the_right_ones() {
        let error = chosen(&["hal-tree"], &["timers"]).unwrap_err().to_string();
        assert!(error.contains("`timers`") && error.contains("suspending"), "{error}");
    }

    #[test]
    fn a_plain_mode_is_a_mode() {
        for program in ALL {
            assert!(
                program
                    .plain
                    .is_none_or(|name| { program.modes.iter().any(|mode| mode.name == name) })
            );
        }
    }
}
