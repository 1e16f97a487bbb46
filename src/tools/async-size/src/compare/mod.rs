//! Whether all passes together are as good as none, and as all but one.
//!
//! A pass can undo what another saves. So everything is built with the flag off, and with each pass
//! switched off in turn. What is smaller then by more than a [slack](Measure) is marked and listed.

mod report;

use anyhow::{Result, bail};
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;

use crate::arguments::Arguments;
use crate::complaints;
use crate::report::Report;

/// A size that is compared, and by how much it may be larger with all passes: by this part, and by
/// so many bytes. What is larger by only one of these is not worse.
#[derive(Debug, PartialEq)]
pub struct Measure {
    /// What the report calls it.
    name: &'static str,
    percent: u64,
    bytes: u64,
    /// Whether it is compared only with the flag off, and not with each pass switched off: a pass
    /// may take code to save memory.
    only_with_off: bool,
}

/// The size of a future: a byte or two are those that say where it waits.
const FUTURE: Measure = Measure { name: "future", percent: 5, bytes: 8, only_with_off: false };

/// The memory of a program, where its futures are.
const RAM: Measure = Measure { name: "RAM", ..FUTURE };

/// The code.
const TEXT: Measure = Measure { name: ".text", percent: 0, bytes: 0, only_with_off: true };

/// The largest stack frame of a poll: inlining moves some of it from one to another.
const FRAME: Measure = Measure { name: "frame", percent: 10, bytes: 16, only_with_off: false };

impl Measure {
    /// Whether `on` is worse than `other`, which is the size with the flag off or without a pass.
    fn is_worse(&self, on: u64, other: u64, is_off: bool) -> bool {
        (is_off || !self.only_with_off)
            && on > other + self.bytes
            && on * 100 > other * (100 + self.percent)
    }
}

/// The sizes of all programs with the flag off, with all passes, and without each.
#[derive(Debug)]
pub struct Comparison {
    /// The first line of `rustc -vV`.
    compiler: String,
    /// Off, on, and on without each pass.
    variants: Vec<Variant>,
    measures: [Measure; 3],
    groups: Vec<Group>,
    /// What is missing, a line for each.
    failed: Vec<String>,
}

/// The programs for one target, level and panic strategy.
#[derive(Debug)]
struct Group {
    target: String,
    level: OptLevel,
    panic: PanicStrategy,
    rows: Vec<Row>,
}

/// The sizes of one program.
#[derive(Debug)]
struct Row {
    label: String,
    /// By variant and measure.
    sizes: Vec<[u64; 3]>,
}

/// A place where all passes together are worse.
#[derive(Debug)]
struct Worse<'a> {
    group: &'a Group,
    label: &'a str,
    measure: &'a Measure,
    on: u64,
    /// What is better, and its size.
    variant: &'a Variant,
    other: u64,
}

impl Row {
    /// The variants that are better than all passes together, by their places in the list.
    fn better(&self, measures: &[Measure; 3], measure: usize) -> Vec<usize> {
        let on = self.sizes[1][measure];
        let is_better = |&variant: &usize| {
            measures[measure].is_worse(on, self.sizes[variant][measure], variant == 0)
        };
        (0..self.sizes.len()).filter(is_better).collect()
    }
}

impl Comparison {
    /// Compares what was measured of the binaries of a project.
    pub fn of_project(report: &Report) -> Self {
        let groups = report.groups().into_iter().map(|group| Group {
            target: group.target.to_owned(),
            level: group.level,
            panic: group.panic,
            rows: (group.binaries.iter())
                .map(|binary| Row {
                    label: group.label(binary),
                    sizes: (binary.sizes.iter())
                        .map(|sizes| [sizes.ram, sizes.text, sizes.frame])
                        .collect(),
                })
                .collect(),
        });
        let failed = report.failed.iter().map(|failure| {
            format!(
                "{}/{} ({}): {}",
                failure.package, failure.binary, failure.variant, failure.reason
            )
        });
        Comparison {
            compiler: report.compiler.clone(),
            variants: report.variants.clone(),
            measures: [RAM, TEXT, FRAME],
            groups: groups.collect(),
            failed: failed.collect(),
        }
    }

    /// Compares what was measured of the complaints.
    pub fn of_complaints(
        compiler: &str,
        variants: &[Variant],
        groups: &[complaints::Group],
    ) -> Self {
        let row = |row: &complaints::Row| Row {
            label: row.label.clone(),
            sizes: (row.variants.iter())
                .map(|footprint| [footprint.future, footprint.text, footprint.frame])
                .collect(),
        };
        let groups = groups.iter().map(|group| Group {
            target: group.target.clone(),
            level: group.level,
            panic: group.panic,
            rows: group.rows.iter().map(row).collect(),
        });
        Comparison {
            compiler: compiler.to_owned(),
            variants: variants.to_vec(),
            measures: [FUTURE, TEXT, FRAME],
            groups: groups.collect(),
            failed: Vec::new(),
        }
    }

    /// Every place where all passes together are worse.
    fn worse(&self) -> Vec<Worse<'_>> {
        let mut worse = Vec::new();
        for group in &self.groups {
            for (index, measure) in self.measures.iter().enumerate() {
                for row in &group.rows {
                    let better = row.better(&self.measures, index).into_iter();
                    worse.extend(better.map(|variant| Worse {
                        group,
                        label: &row.label,
                        measure,
                        on: row.sizes[1][index],
                        variant: &self.variants[variant],
                        other: row.sizes[variant][index],
                    }));
                }
            }
        }
        worse
    }
}

/// Writes the report. Fails if something is missing, or if all passes together are worse somewhere.
pub fn report(arguments: &Arguments, comparison: &Comparison) -> Result<()> {
    arguments.common.write(&report::table(comparison), report::json(comparison), "")?;
    if !comparison.failed.is_empty() {
        bail!("not all binaries were measured");
    }
    match comparison.worse().len() {
        0 => Ok(()),
        1 => bail!("all passes together are worse in 1 cell, which is marked and listed above"),
        cells => {
            bail!(
                "all passes together are worse in {cells} cells, which are marked and listed above"
            )
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A comparison of two programs, one of which is worse.
    pub fn comparison() -> Comparison {
        let row =
            |label: &str, sizes: [[u64; 3]; 3]| Row { label: label.into(), sizes: sizes.into() };
        Comparison {
            compiler: "rustc 1".into(),
            variants: Variant::without_each(&["InlineAwait"]),
            measures: [FUTURE, TEXT, FRAME],
            groups: vec![Group {
                target: "thumbv7em-none-eabi".into(),
                level: OptLevel::Z,
                panic: PanicStrategy::Unwind,
                rows: vec![
                    row("join", [[864, 693, 40], [436, 543, 32], [800, 500, 32]]),
                    row("kept_block", [[1003, 300, 40], [2003, 301, 64], [1003, 300, 50]]),
                ],
            }],
            failed: vec![],
        }
    }

    #[test]
    fn both_slacks_have_to_be_exceeded() {
        assert!(!FUTURE.is_worse(108, 100, true), "not by more than eight bytes");
        assert!(FUTURE.is_worse(109, 100, true));
        assert!(!FUTURE.is_worse(1050, 1000, false), "not by more than five percent");
        assert!(FUTURE.is_worse(1051, 1000, false));
        assert!(!FRAME.is_worse(56, 40, true));
        assert!(FRAME.is_worse(57, 40, true));
    }

    #[test]
    fn code_is_compared_with_off_only() {
        assert!(TEXT.is_worse(101, 100, true));
        assert!(!TEXT.is_worse(200, 100, false));
    }

    #[test]
    fn what_is_worse_is_found() {
        let comparison = comparison();
        let worse = comparison.worse();
        let found: Vec<_> = (worse.iter())
            .map(|worse| (worse.label, worse.measure.name, worse.variant.name.as_str()))
            .collect();
        let expected =
            [("future", "off"), ("future", "no-InlineAwait"), (".text", "off"), ("frame", "off")];
        assert_eq!(found, expected.map(|(measure, variant)| ("kept_block", measure, variant)));
    }

    #[test]
    fn a_project_is_compared_by_the_ram_of_its_binaries() {
        let comparison = Comparison::of_project(&crate::report::tests::report());
        assert_eq!(comparison.measures[0], RAM);
        assert_eq!(comparison.groups[0].rows[0].sizes[1], [400, 7000, 48]);
        // `radio` has 100 bytes of code more.
        assert_eq!(comparison.worse().len(), 1);
        assert!(comparison.failed[0].contains("rp/broken"));
    }
}
