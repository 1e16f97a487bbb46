//! What a run came to, for people and for programs.
//!
//! The report for programs is one object:
//!
//! ```text
//! {
//!   "compiler": "rustc 1.96.0-dev",             the first line of `rustc -vV`
//!   "first_seed": 0, "programs": 300,
//!   "seconds": 97.5,
//!   "configurations": ["on, opt-level 0, unwind", …],
//!   "complete": true,                           false if it was interrupted
//!   "findings": [
//!     { "kind": "difference", "seed": 17, "shown_by": ["on, opt-level 3, unwind"],
//!       "folder": "build/fuzz/difference-17" }
//!   ]
//! }
//! ```

use std::path::PathBuf;
use std::time::Duration;

use measure::json;
use measure::table::Grid;
use serde::Serialize;

use crate::finding::{Finding, Kind};
use crate::matrix::Configuration;

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    pub compiler: String,
    pub matrix: Vec<Configuration>,
    /// How many builds each program was tried in at most, with the oracle.
    pub builds_each: usize,
    pub first_seed: u64,
    /// How many programs were tried in all builds that they see.
    pub programs: u64,
    pub time: Duration,
    /// What was found, with the folder that it was written to.
    pub findings: Vec<(Finding, PathBuf)>,
    /// Why it is not all that was asked for.
    pub interrupted: bool,
}

impl Report {
    /// How many programs showed something.
    pub fn failed(&self) -> u64 {
        let mut seeds: Vec<_> = self.findings.iter().map(|(finding, _)| finding.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        seeds.len() as u64
    }

    /// Whether a fault of the passes was found.
    pub fn are_passes_at_fault(&self) -> bool {
        self.findings.iter().any(|(finding, _)| finding.kind.is_of_passes())
    }

    /// The report for people. Its last line counts programs as a test run does tests.
    pub fn table(&self) -> String {
        let mut text = format!("{}\n", self.compiler);
        let last = (self.first_seed + self.programs).saturating_sub(1);
        let seconds = self.time.as_secs_f64();
        let rate = self.programs as f64 * 3600.0 / seconds.max(0.001);
        text += &format!(
            "{} programs (seeds {} to {last}), each in {} of {} builds: {seconds:.0} s, {rate:.0} \
             an hour\n",
            self.programs,
            self.first_seed,
            self.builds_each,
            self.matrix.len() + 1,
        );
        if self.interrupted {
            text += "It was ended early: programs that were under way are not counted.\n";
        }
        if !self.findings.is_empty() {
            text += &format!("\n{}\n", self.kinds());
            for (finding, folder) in &self.findings {
                text += &format!("{}\n    {}\n", finding.summary(), folder.display());
            }
        }
        let failed = self.failed();
        text + &format!("\n{} passed, {failed} failed\n", self.programs.saturating_sub(failed))
    }

    /// How many findings there are of each kind.
    fn kinds(&self) -> String {
        let mut grid = Grid::new(&[("", &["kind", "what"]), ("findings", &["count"])]);
        for kind in Kind::ALL {
            let count = self.findings.iter().filter(|(finding, _)| finding.kind == kind).count();
            if count > 0 {
                let words = vec![kind.name().into(), kind.meaning().into()];
                grid.add(vec![words, vec![count.to_string()]]);
            }
        }
        grid.render()
    }

    /// The report for programs.
    pub fn json(&self) -> serde_json::Result<String> {
        let names = |configurations: &[Configuration]| {
            configurations.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        json::pretty(&Root {
            compiler: &self.compiler,
            first_seed: self.first_seed,
            programs: self.programs,
            seconds: self.time.as_secs_f64(),
            configurations: names(&self.matrix),
            complete: !self.interrupted,
            findings: self
                .findings
                .iter()
                .map(|(finding, folder)| Found {
                    kind: finding.kind,
                    seed: finding.seed,
                    shown_by: names(&finding.shown_by),
                    folder: folder.display().to_string(),
                })
                .collect(),
        })
    }
}

#[derive(Serialize)]
struct Root<'a> {
    compiler: &'a str,
    first_seed: u64,
    programs: u64,
    seconds: f64,
    configurations: Vec<String>,
    complete: bool,
    findings: Vec<Found>,
}

#[derive(Serialize)]
struct Found {
    kind: Kind,
    seed: u64,
    shown_by: Vec<String>,
    folder: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn report() -> Report {
        let finding = Finding::of_seed(Kind::Difference, 17);
        let other = Finding { kind: Kind::Memcheck, ..finding.clone() };
        Report {
            compiler: "rustc 1.96.0-dev".into(),
            matrix: vec![Configuration::oracle(); 20],
            builds_each: 9,
            first_seed: 10,
            programs: 300,
            time: Duration::from_secs(100),
            findings: vec![(finding, "a".into()), (other, "b".into())],
            interrupted: false,
        }
    }

    #[test]
    fn the_last_line_counts_programs() {
        let text = report().table();
        assert_eq!(text.lines().last(), Some("299 passed, 1 failed"), "{text}");
        let line = "300 programs (seeds 10 to 309), each in 9 of 21 builds: 100 s, 10800 an hour";
        assert!(text.contains(line), "{text}");
        let none = Report { findings: Vec::new(), ..report() }.table();
        assert_eq!(none.lines().last(), Some("300 passed, 0 failed"), "{none}");
    }

    #[test]
    fn the_passes_are_not_at_fault_for_what_is_wrong_without_them() {
        assert!(report().are_passes_at_fault());
        for kind in [Kind::Base, Kind::Generator] {
            let finding = Finding::of_seed(kind, 17);
            let report = Report { findings: vec![(finding, "a".into())], ..report() };
            assert!(!report.are_passes_at_fault(), "{kind:?}");
        }
    }

    #[test]
    fn the_object_is_as_documented() {
        let value: Value = serde_json::from_str(&report().json().unwrap()).unwrap();
        assert_eq!(value["programs"], 300);
        assert_eq!(
            value["findings"][0],
            json!({
                "kind": "difference", "seed": 17, "folder": "a",
                "shown_by": ["off, opt-level 0, unwind"],
            })
        );
    }
}
