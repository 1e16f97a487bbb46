//! What the runs of a program come to, and when two are the same.
//!
//! The [runtime](../runtime/runtime.rs) says what the lines are that are read here, and what a cut
//! is.

use std::collections::BTreeMap;

use crate::matrix::Panics;

/// How a program ended in a scenario.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ending {
    /// It came to its end, with this trace; the second hash is that of the trace up to the cut.
    Ended { trace: String, cut: Option<String> },
    /// A panic aborted it, with this trace up to the cut.
    Died { cut: String },
    /// A signal or an exit code ended it, or the time limit, as `waitpid` tells.
    Killed(i32),
}

/// The endings, by program and scenario.
pub type Endings = BTreeMap<(usize, usize), Ending>;

/// Reads what a run printed. Lines of anything else are left out.
pub fn read(printed: &str) -> Endings {
    printed.lines().filter_map(read_line).collect()
}

fn read_line(line: &str) -> Option<((usize, usize), Ending)> {
    let words: Vec<_> = line.split(' ').collect();
    let [program, scenario, how, rest @ ..] = &words[..] else { return None };
    let ending = match (*how, rest) {
        ("ended", [trace, cut]) => Ending::Ended {
            trace: (*trace).to_owned(),
            cut: (*cut != "-").then(|| (*cut).to_owned()),
        },
        ("died", [cut]) => Ending::Died { cut: (*cut).to_owned() },
        ("killed", [status]) => Ending::Killed(status.parse().ok()?),
        _ => return None,
    };
    Some(((program.parse().ok()?, scenario.parse().ok()?), ending))
}

/// Whether a program that behaves as `expected`, in the oracle, may end so in a build with
/// `panics`.
///
/// Where panics abort, the process ends at the first panic. A poll of a future with nothing left to
/// do is a panic or none, so it may end there, or go on as if nothing was.
pub fn is_same(expected: Option<&Ending>, ending: Option<&Ending>, panics: Panics) -> bool {
    let (Some(expected), Some(ending)) = (expected, ending) else { return false };
    match (panics, expected, ending) {
        (Panics::Abort, Ending::Ended { cut: Some(expected), .. }, Ending::Died { cut }) => {
            expected == cut
        }
        (Panics::Abort, Ending::Ended { trace, .. }, Ending::Ended { trace: other, .. }) => {
            trace == other
        }
        (Panics::Abort, Ending::Killed(_), Ending::Died { .. }) => true,
        _ => expected == ending,
    }
}

/// The scenarios of a program that end differently: `expected` has it as the first number, and
/// `endings` as the second.
pub fn differences(
    (expected, in_expected): (&Endings, usize),
    (endings, in_endings): (&Endings, usize),
    panics: Panics,
) -> Vec<usize> {
    let scenarios = |endings: &Endings, program| {
        let of = endings.range((program, 0)..(program + 1, 0));
        of.map(|((_, scenario), _)| *scenario).max().map_or(0, |last| last + 1)
    };
    let count = scenarios(expected, in_expected).max(scenarios(endings, in_endings)).max(1);
    (0..count)
        .filter(|&scenario| {
            let expected = expected.get(&(in_expected, scenario));
            !is_same(expected, endings.get(&(in_endings, scenario)), panics)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(trace: &str, cut: Option<&str>) -> Ending {
        Ending::Ended { trace: trace.into(), cut: cut.map(Into::into) }
    }

    #[track_caller]
    fn check(expected: &Ending, ending: &Ending, [unwind, abort]: [bool; 2]) {
        assert_eq!(is_same(Some(expected), Some(ending), Panics::Unwind), unwind);
        assert_eq!(is_same(Some(expected), Some(ending), Panics::Abort), abort);
    }

    #[test]
    fn traces_have_to_be_the_same() {
        check(&ended("1", None), &ended("1", None), [true, true]);
        check(&ended("1", None), &ended("2", None), [false, false]);
        check(&ended("1", Some("7")), &ended("2", Some("7")), [false, false]);
    }

    #[test]
    fn only_where_panics_abort_a_run_may_die_and_only_at_the_cut() {
        let died = |cut: &str| Ending::Died { cut: cut.into() };
        check(&ended("1", Some("7")), &died("7"), [false, true]);
        check(&ended("1", Some("7")), &died("8"), [false, false]);
        check(&ended("1", None), &died("7"), [false, false]);
    }

    #[test]
    fn a_crash_is_a_difference() {
        check(&ended("1", None), &Ending::Killed(11), [false, false]);
        check(&Ending::Killed(6), &Ending::Killed(6), [true, true]);
        assert!(!is_same(Some(&ended("1", None)), None, Panics::Unwind));
    }

    #[test]
    fn lines_are_read_and_compared_by_scenario() {
        let expected = read("0 0 ended a -\n0 1 ended b c\n1 0 ended d -\n");
        let endings = read("5 0 ended a -\n  Made 0 0\n5 1 died c\n");
        assert_eq!(differences((&expected, 0), (&endings, 5), Panics::Abort), [0; 0]);
        assert_eq!(differences((&expected, 0), (&endings, 5), Panics::Unwind), [1]);
        assert_eq!(differences((&expected, 1), (&endings, 5), Panics::Unwind), [0, 1]);
        assert_eq!(differences((&expected, 2), (&endings, 2), Panics::Unwind), [0]);
    }
}
