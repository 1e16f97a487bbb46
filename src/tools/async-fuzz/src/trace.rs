//! What the runs of a program come to, and when two are the same.
//!
//! The [runtime](crate::runtime) says what the lines are that are read here, and what a cut is and
//! a panic.

use std::collections::BTreeMap;

use measure::panic_strategy::PanicStrategy;

use crate::matrix::Configuration;

/// How a program ended in a scenario. It has `resumed` if a future panicked because it was polled
/// with nothing left to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ending {
    /// It came to its end, with this trace; the other hashes are those of the trace up to the cut,
    /// and up to the first panic that was not because there was nothing left to do.
    Ended { trace: String, cut: Option<String>, panic: Option<String>, resumed: bool },
    /// A panic aborted it, with these traces up to the cut and up to the panic.
    Died { cut: String, panic: String, resumed: bool },
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
    let (rest, resumed) = match rest {
        [rest @ .., "resumed"] => (rest, true),
        _ => (rest, false),
    };
    let if_any = |hash: &str| (hash != "-").then(|| hash.to_owned());
    let ending = match (*how, rest) {
        ("ended", [trace, cut, panic]) => Ending::Ended {
            trace: (*trace).to_owned(),
            cut: if_any(cut),
            panic: if_any(panic),
            resumed,
        },
        ("died", [cut, panic]) => {
            Ending::Died { cut: (*cut).to_owned(), panic: (*panic).to_owned(), resumed }
        }
        ("killed", [status]) => Ending::Killed(status.parse().ok()?),
        _ => return None,
    };
    Some(((program.parse().ok()?, scenario.parse().ok()?), ending))
}

/// Whether a program that behaves as `expected`, in the oracle, may end so in a build of this
/// `configuration`.
///
/// A poll of a future with nothing left to do is a panic or none, and no panic where the build has
/// it answer `Pending`. Where panics abort, a run may die at the first of these if there are any,
/// and does at the first panic with another reason.
pub fn is_same(
    expected: Option<&Ending>,
    ending: Option<&Ending>,
    configuration: &Configuration,
) -> bool {
    let (Some(expected), Some(ending)) = (expected, ending) else { return false };
    if let Ending::Ended { resumed: true, .. } | Ending::Died { resumed: true, .. } = ending
        && configuration.answers_pending
    {
        return false;
    }
    let aborts = configuration.panics == PanicStrategy::Abort;
    match (expected, ending) {
        (Ending::Ended { cut: expected, .. }, Ending::Died { cut, resumed: true, .. })
            if aborts =>
        {
            expected.as_ref() == Some(cut)
        }
        (Ending::Ended { panic: expected, .. }, Ending::Died { panic, resumed: false, .. })
            if aborts =>
        {
            expected.as_ref() == Some(panic)
        }
        (
            Ending::Ended { trace, cut, panic, .. },
            Ending::Ended { trace: other, cut: other_cut, panic: other_panic, .. },
        ) => (trace, cut, panic) == (other, other_cut, other_panic),
        (Ending::Killed(_), Ending::Died { .. }) if aborts => true,
        _ => expected == ending,
    }
}

/// The scenarios of a program that end differently: `expected` has it as the first number, and
/// `endings` as the second.
pub fn differences(
    (expected, in_expected): (&Endings, usize),
    (endings, in_endings): (&Endings, usize),
    configuration: &Configuration,
) -> Vec<usize> {
    let scenarios = |endings: &Endings, program| {
        let of = endings.range((program, 0)..(program + 1, 0));
        of.map(|((_, scenario), _)| *scenario).max().map_or(0, |last| last + 1)
    };
    let count = scenarios(expected, in_expected).max(scenarios(endings, in_endings)).max(1);
    (0..count)
        .filter(|&scenario| {
            let expected = expected.get(&(in_expected, scenario));
            !is_same(expected, endings.get(&(in_endings, scenario)), configuration)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(trace: &str, cut: Option<&str>) -> Ending {
        Ending::Ended {
            trace: trace.into(),
            cut: cut.map(Into::into),
            panic: cut.map(Into::into),
            resumed: false,
        }
    }

    fn died(cut: &str) -> Ending {
        Ending::Died { cut: cut.into(), panic: cut.into(), resumed: false }
    }

    fn with(panics: PanicStrategy) -> Configuration {
        Configuration { panics, ..Configuration::oracle() }
    }

    #[track_caller]
    fn check(expected: &Ending, ending: &Ending, [unwind, abort]: [bool; 2]) {
        assert_eq!(is_same(Some(expected), Some(ending), &with(PanicStrategy::Unwind)), unwind);
        assert_eq!(is_same(Some(expected), Some(ending), &with(PanicStrategy::Abort)), abort);
    }

    #[test]
    fn traces_have_to_be_the_same() {
        check(&ended("1", None), &ended("1", None), [true, true]);
        check(&ended("1", None), &ended("2", None), [false, false]);
        check(&ended("1", Some("7")), &ended("2", Some("7")), [false, false]);
    }

    #[test]
    fn only_where_panics_abort_a_run_may_die_and_only_at_the_cut() {
        check(&ended("1", Some("7")), &died("7"), [false, true]);
        check(&ended("1", Some("7")), &died("8"), [false, false]);
        check(&ended("1", None), &died("7"), [false, false]);
    }

    #[test]
    fn a_crash_is_a_difference() {
        check(&ended("1", None), &Ending::Killed(11), [false, false]);
        check(&Ending::Killed(6), &Ending::Killed(6), [true, true]);
        assert!(!is_same(Some(&ended("1", None)), None, &with(PanicStrategy::Unwind)));
    }

    #[test]
    fn where_a_poll_in_vain_is_pending_it_may_not_panic() {
        let endings = read("0 0 ended 1 7 - resumed\n0 1 died 7 7 resumed\n0 2 ended 1 7 -\n");
        let expected = &endings[&(0, 0)];
        for panics in [PanicStrategy::Unwind, PanicStrategy::Abort] {
            let is_same = |scenario, answers_pending| {
                let configuration = Configuration { answers_pending, ..with(panics) };
                is_same(Some(expected), endings.get(&(0, scenario)), &configuration)
            };
            let may_die = panics == PanicStrategy::Abort;
            assert_eq!([0, 1, 2].map(|scenario| is_same(scenario, false)), [true, may_die, true]);
            assert_eq!([0, 1, 2].map(|scenario| is_same(scenario, true)), [false, false, true]);
        }
    }

    #[test]
    fn behind_a_poll_in_vain_a_run_may_die_of_nothing_else() {
        // The first has no panic but that of the poll in vain, at 7; the second has one, at 9.
        let expected = read("0 0 ended 1 7 - resumed\n1 0 ended 2 7 9 resumed\n");
        let is_same = |program, line: &str, answers_pending| {
            let configuration = Configuration { answers_pending, ..with(PanicStrategy::Abort) };
            let ending = read(&format!("0 0 {line}\n"));
            is_same(expected.get(&(program, 0)), ending.get(&(0, 0)), &configuration)
        };
        for (program, line, [may, may_if_pending]) in [
            (0, "died 7 7 resumed", [true, false]),
            (0, "died 7 7", [false, false]),
            (0, "died 7 8", [false, false]),
            (0, "ended 1 7 -", [true, true]),
            (1, "died 7 7 resumed", [true, false]),
            (1, "died 7 7", [false, false]),
            (1, "died 7 9", [true, true]),
            (1, "died 7 8", [false, false]),
            (1, "ended 2 7 -", [false, false]),
        ] {
            assert_eq!(is_same(program, line, false), may, "{program}: {line}");
            assert_eq!(is_same(program, line, true), may_if_pending, "{program}: {line}");
        }
    }

    #[test]
    fn lines_are_read_and_compared_by_scenario() {
        let expected = read("0 0 ended a - -\n0 1 ended b c c\n1 0 ended d - -\n");
        let endings = read("5 0 ended a - -\n  Made 0 0\n5 1 died c c\n");
        assert_eq!(differences((&expected, 0), (&endings, 5), &with(PanicStrategy::Abort)), [0; 0]);
        assert_eq!(differences((&expected, 0), (&endings, 5), &with(PanicStrategy::Unwind)), [1]);
        assert_eq!(
            differences((&expected, 1), (&endings, 5), &with(PanicStrategy::Unwind)),
            [0, 1]
        );
        assert_eq!(differences((&expected, 2), (&endings, 2), &with(PanicStrategy::Unwind)), [0]);
    }
}
