//! What a run found, and the three forms that it is shown in.

pub mod json;
pub mod svg;
pub mod table;

use measure::elf::Sizes;
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;
use serde::Serialize;

/// All that a run found.
#[derive(Debug)]
pub struct Report {
    /// The first line of `rustc -vV`.
    pub compiler: String,
    /// The variants that were built; the first one is the one that others are compared with.
    pub variants: Vec<Variant>,
    /// The binaries that were built in every variant, in the order of the targets and levels.
    pub results: Vec<Measured>,
    /// What could not be built or read.
    pub failed: Vec<Failure>,
}

/// The sizes of one binary for one target and level.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The triple that it was built for.
    pub target: String,
    /// The optimization level.
    pub level: OptLevel,
    /// What a panic does.
    pub panic: PanicStrategy,
    /// The name of the package.
    pub package: String,
    /// The name of the binary.
    pub binary: String,
    /// The sizes, in the order of [`Report::variants`].
    pub sizes: Vec<Sizes>,
}

/// A binary that is missing in a variant.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// The triple that it was to be built for.
    pub target: String,
    /// The optimization level, as rustc names it.
    pub level: &'static str,
    /// What a panic does, as rustc names it.
    pub panic: &'static str,
    /// The name of the variant.
    pub variant: String,
    /// The name of the package.
    pub package: String,
    /// The name of the binary.
    pub binary: String,
    /// Why it is missing, in one line.
    pub reason: String,
}

/// The binaries that were built for the same target, level and panic strategy.
#[derive(Debug)]
pub struct Group<'a> {
    /// The triple.
    pub target: &'a str,
    /// The optimization level.
    pub level: OptLevel,
    /// What a panic does.
    pub panic: PanicStrategy,
    /// The binaries; at least one.
    pub binaries: Vec<&'a Measured>,
}

impl Report {
    /// The results by target, level and panic strategy, each in the order of its first result.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups = Vec::<Group<'_>>::new();
        for measured in &self.results {
            let Measured { level, panic, .. } = *measured;
            let target = measured.target.as_str();
            let key = (target, level, panic);
            match groups.iter_mut().find(|group| group.key() == key) {
                Some(group) => group.binaries.push(measured),
                None => groups.push(Group { target, level, panic, binaries: vec![measured] }),
            }
        }
        groups
    }
}

impl Group<'_> {
    fn key(&self) -> (&str, OptLevel, PanicStrategy) {
        (self.target, self.level, self.panic)
    }

    /// What the binaries of the group have in common, in words.
    pub fn title(&self) -> String {
        format!("{}, opt-level {}, panic {}", self.target, self.level, self.panic)
    }

    /// The sums over all binaries, in the order of the variants.
    pub fn sums(&self) -> Vec<Sizes> {
        let mut sums = self.binaries[0].sizes.clone();
        for binary in &self.binaries[1..] {
            for (sum, sizes) in sums.iter_mut().zip(&binary.sizes) {
                *sum += *sizes;
            }
        }
        sums
    }

    /// What to call the binary in a report: by its name, and by that of its package if another
    /// package of the group has a binary of that name.
    pub fn label(&self, measured: &Measured) -> String {
        let namesakes = self.binaries.iter().filter(|other| other.binary == measured.binary);
        if namesakes.count() > 1 {
            format!("{}/{}", measured.package, measured.binary)
        } else {
            measured.binary.clone()
        }
    }
}

#[cfg(test)]
pub mod tests {
    use measure::passes::PassChoice;

    use super::*;

    /// A report with two binaries, of which one grew, and a failure.
    pub fn report() -> Report {
        let measured = |binary: &str, sizes: [[u64; 7]; 2]| Measured {
            target: "thumbv6m-none-eabi".into(),
            level: OptLevel::Z,
            panic: PanicStrategy::Abort,
            package: "rp".into(),
            binary: binary.into(),
            sizes: sizes
                .map(|[text, rodata, data, bss, flash, ram, frame]| Sizes {
                    text,
                    rodata,
                    data,
                    bss,
                    flash,
                    ram,
                    pools: ram / 2,
                    frame,
                    stack: Some(2 * frame),
                    async_code: None,
                })
                .to_vec(),
        };
        Report {
            compiler: "rustc 1.96.0-dev".into(),
            variants: PassChoice::All.variants(&[]).unwrap(),
            results: vec![
                measured(
                    "leds",
                    [[8000, 900, 100, 400, 9000, 500, 64], [7000, 900, 100, 300, 8000, 400, 48]],
                ),
                measured("radio", [[500, 0, 0, 0, 500, 0, 8], [600, 4, 0, 8, 604, 8, 8]]),
            ],
            failed: vec![Failure {
                target: "thumbv6m-none-eabi".into(),
                level: "z",
                panic: "abort",
                variant: "on".into(),
                package: "rp".into(),
                binary: "broken".into(),
                reason: "it does not build".into(),
            }],
        }
    }

    /// The same with async code: a quarter of all code.
    pub fn report_with_async_code() -> Report {
        let mut report = report();
        for sizes in report.results.iter_mut().flat_map(|result| &mut result.sizes) {
            sizes.async_code = Some(sizes.text / 4);
        }
        report
    }

    #[test]
    fn groups_are_by_target_and_level() {
        let mut report = report();
        report.results[1].level = OptLevel::S;
        let groups = report.groups();
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].level, groups[1].level), (OptLevel::Z, OptLevel::S));
        assert_eq!(groups[1].binaries[0].binary, "radio");
    }

    #[test]
    fn only_namesakes_are_called_by_their_package() {
        let mut report = report();
        let mut namesake = report.results[0].clone();
        namesake.package = "nrf".into();
        report.results.push(namesake);
        let group = &report.groups()[0];
        let labels: Vec<_> = group.binaries.iter().map(|binary| group.label(binary)).collect();
        assert_eq!(labels, ["rp/leds", "radio", "nrf/leds"]);
    }
}
