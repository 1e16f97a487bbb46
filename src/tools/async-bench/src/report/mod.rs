//! What a run found, and the three forms that it is shown in.

pub mod json;
pub mod svg;
pub mod table;

use measure::arguments::unique;
use measure::opt_level::OptLevel;
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
    /// The modes of every program and level, in the order of these.
    pub results: Vec<Measured>,
}

/// What a mode of a program costs at a level.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The program.
    pub program: &'static Program,
    /// Its mode.
    pub mode: &'static Mode,
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
    /// The seconds that [`Mode::timed`] iterations took, in the order of the runs; empty if time
    /// was not measured.
    pub seconds: Vec<f64>,
}

/// The modes of one program at one level.
#[derive(Debug)]
pub struct Group<'a> {
    /// The program.
    pub program: &'static Program,
    /// The optimization level.
    pub level: OptLevel,
    /// The modes; at least one.
    pub modes: Vec<&'a Measured>,
}

impl Report {
    /// The results by program and level, each in the order of its first result.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let keys = unique(self.results.iter().map(|result| (result.program, result.level)));
        let group = |(program, level)| {
            let is_in = |result: &&Measured| result.program == program && result.level == level;
            Group { program, level, modes: self.results.iter().filter(is_in).collect() }
        };
        keys.into_iter().map(group).collect()
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
    /// The instructions of `measured` in the variant at `index` by those of the program's plain
    /// mode in the same variant; none for a plain mode, and without one in the group.
    pub fn by_plain(&self, measured: &Measured, index: usize) -> Option<f64> {
        let plain = self.modes.iter().find(|other| self.program.plain == Some(other.mode.name))?;
        let is_other = plain.mode != measured.mode;
        is_other.then(|| measured.instructions(index) as f64 / plain.instructions(index) as f64)
    }
}

#[cfg(test)]
pub mod tests {
    use measure::passes::PassChoice;

    use super::*;
    use crate::programs::choose;

    /// A report on two modes of one program with its plain one, and one mode of another whose count
    /// is not exact.
    pub fn report() -> Report {
        let choices = choose(&[], &["sync", "concrete", "timers"].map(String::from)).unwrap();
        let mut counts = [[[2000, 2000], [2000, 2000]], [[3000, 3000], [2500, 2500]]]
            .into_iter()
            .chain([[[10_000, 10_010], [10_100, 10_100]]]);
        let mut results = Vec::new();
        for choice in choices {
            for mode in choice.modes {
                let seconds = [0.1, 0.09];
                let cost = |(count, seconds): ([u64; 2], f64)| Cost {
                    count: Count::new(count.to_vec()),
                    seconds: vec![seconds; 6],
                };
                results.push(Measured {
                    program: choice.program,
                    mode,
                    level: OptLevel::Z,
                    costs: counts.next().unwrap().into_iter().zip(seconds).map(cost).collect(),
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
    fn groups_are_by_program_and_level() {
        let mut report = report();
        report.results[1].level = OptLevel::S;
        let groups = report.groups();
        let keys: Vec<_> =
            groups.iter().map(|group| (group.program.package, group.level)).collect();
        assert_eq!(
            keys,
            [("hal-tree", OptLevel::Z), ("hal-tree", OptLevel::S), ("smol-work", OptLevel::Z)]
        );
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
