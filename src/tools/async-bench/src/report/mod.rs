//! What a run found, and the three forms that it is shown in.

pub mod json;
pub mod svg;
pub mod table;

use measure::arguments::unique;
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;

use crate::callgrind::Count;
use crate::programs::{Mode, Program};
use crate::statistics::Ratio;

/// All that a run found.
#[derive(Debug)]
pub struct Report {
    /// The first line of `rustc -vV`.
    pub compiler: String,
    /// What valgrind calls itself.
    pub valgrind: String,
    /// The variants that were built; the first one is the one that others are compared with.
    pub variants: Vec<Variant>,
    /// The modes of every program, panic strategy and level, in the order of these.
    pub results: Vec<Measured>,
}

/// What a mode of a program costs with a panic strategy at a level.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The program.
    pub program: &'static Program,
    /// Its mode.
    pub mode: &'static Mode,
    /// What the program does when it panics.
    pub panic: PanicStrategy,
    /// The optimization level.
    pub level: OptLevel,
    /// The costs, in the order of [`Report::variants`].
    pub costs: Vec<Cost>,
}

/// What one variant costs.
#[derive(Clone, Debug)]
pub struct Cost {
    /// The instructions of [`Mode::counted`] iterations.
    pub count: Count,
    /// The bytes that the same iterations allocated, if the program counts them.
    pub allocated: Option<u64>,
    /// The main futures that the program names: the name and the bytes of each.
    pub futures: Vec<(String, u64)>,
    /// The bytes of the program's code, of all modes together.
    pub text: u64,
    /// The seconds that [`Mode::timed`] iterations took, in the order of the runs; empty if time
    /// was not measured.
    pub seconds: Vec<f64>,
}

/// The modes of one program with one panic strategy at one level.
#[derive(Debug)]
pub struct Group<'a> {
    /// The program.
    pub program: &'static Program,
    /// What the program does when it panics.
    pub panic: PanicStrategy,
    /// The optimization level.
    pub level: OptLevel,
    /// The modes; at least one.
    pub modes: Vec<&'a Measured>,
}

impl Report {
    /// The results by program, panic strategy and level, each in the order of its first result.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let key = |result: &Measured| (result.program, result.panic, result.level);
        let group = |(program, panic, level)| {
            let is_in = |result: &&Measured| key(result) == (program, panic, level);
            Group { program, panic, level, modes: self.results.iter().filter(is_in).collect() }
        };
        unique(self.results.iter().map(key)).into_iter().map(group).collect()
    }
}

impl Measured {
    /// The time of the variant at `index` by that of the first one; none if it was not measured.
    pub fn ratio(&self, index: usize) -> Option<Ratio> {
        Ratio::of_pairs(&self.costs[0].seconds, &self.costs[index].seconds)
    }

    /// The instructions of the variant at `index`.
    pub fn instructions(&self, index: usize) -> u64 {
        self.costs[index].count.instructions()
    }
}

impl Group<'_> {
    /// The instructions of `measured` in the variant at `index` by those of its plain mode in the
    /// same variant; none for a mode that has none, or not in the group.
    pub fn by_plain(&self, measured: &Measured, index: usize) -> Option<f64> {
        let name = measured.mode.plain?;
        let plain = self.modes.iter().find(|other| other.mode.name == name)?;
        Some(measured.instructions(index) as f64 / plain.instructions(index) as f64)
    }
}

#[cfg(test)]
pub mod tests {
    use measure::passes::PassChoice;

    use super::*;
    use crate::programs::choose;

    /// A report on two modes of one program with its plain one, one mode of another whose count is
    /// not exact, and one of 20 000 requests.
    pub fn report() -> Report {
        let choices =
            choose(&[], &["sync", "concrete", "timers", "kv"].map(String::from), &[]).unwrap();
        let counts = |mode: &str| match mode {
            "sync" => [[2000, 2000], [2000, 2000]],
            "concrete" => [[3000, 3000], [2500, 2500]],
            "timers" => [[10_000, 10_010], [10_100, 10_100]],
            _ => [[30_000_000; 2], [29_010_000; 2]],
        };
        let mut results = Vec::new();
        for choice in choices {
            for mode in choice.modes {
                let counts = counts(mode.name);
                let cost = |index: usize| {
                    let future = ("connection".to_owned(), [400, 300][index]);
                    Cost {
                        count: Count::new(counts[index].to_vec()),
                        allocated: choice
                            .program
                            .has_requests
                            .then_some([5_000_000, 4_990_000][index]),
                        futures: choice
                            .program
                            .has_requests
                            .then_some(future)
                            .into_iter()
                            .collect(),
                        text: [5000, 4800][index],
                        seconds: vec![[0.1, 0.09][index]; 6],
                    }
                };
                results.push(Measured {
                    program: choice.program,
                    mode,
                    panic: choice.panics[0],
                    level: OptLevel::Z,
                    costs: [0, 1].map(cost).to_vec(),
                });
            }
        }
        Report {
            compiler: "rustc 1.96.0-dev".into(),
            valgrind: "valgrind-3.19.0".into(),
            variants: PassChoice::All.variants(&[]).unwrap(),
            results,
        }
    }

    #[test]
    fn groups_are_by_program_panic_strategy_and_level() {
        let mut report = report();
        report.results[1].level = OptLevel::S;
        report.results.push(report.results[3].clone());
        report.results[3].panic = PanicStrategy::Abort;
        let key =
            |group: Group<'_>| format!("{} {} {}", group.program.package, group.panic, group.level);
        let keys: Vec<_> = report.groups().into_iter().map(key).collect();
        let expected =
            ["hal-tree abort z", "hal-tree abort s", "smol-work abort z", "server abort z"];
        assert_eq!(keys[..4], expected);
        assert_eq!(keys[4..], ["server unwind z"]);
    }

    #[test]
    fn only_other_modes_are_compared_with_the_plain_one() {
        let report = report();
        let groups = report.groups();
        let [sync, concrete] = groups[0].modes[..] else { panic!("{groups:?}") };
        assert_eq!(groups[0].by_plain(sync, 0), None);
        assert_eq!(groups[0].by_plain(concrete, 0), Some(1.5));
        assert_eq!(groups[0].by_plain(concrete, 1), Some(1.25));
        assert_eq!(groups[1].by_plain(groups[1].modes[0], 0), None);
    }

    #[test]
    fn the_ratio_is_that_to_the_first_variant() {
        let ratio = report().results[0].ratio(1).unwrap();
        assert!((ratio.median - 0.9).abs() < 1e-9);
    }
}
