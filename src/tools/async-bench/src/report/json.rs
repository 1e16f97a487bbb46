//! The report for programs.
//!
//! One object, with variants in the order in which they were built, `off` first:
//!
//! ```text
//! {
//!   "compiler": "rustc 1.96.0-dev",               the first line of `rustc -vV`
//!   "flags": { "off": ["-Z…"], "on": ["-Z…"] },   the flags of each variant
//!   "valgrind": "valgrind-3.19.0",
//!   "results": [
//!     {
//!       "program": "hal-tree",
//!       "mode": "concrete",
//!       "level": "z",
//!       "counted_iterations": 100002,             of the runs that instructions were counted in
//!       "timed_iterations": 6000002,              of those that were timed
//!       "variants": {
//!         "off": {
//!           "instructions": 31650842,
//!           "spread": 0.0,                        of counts in several runs, in percent
//!           "by_plain": 2.65,                     instructions by those of the mode without async
//!           "seconds": [0.1, …],                  a variant's runs took turns with the others'
//!           "by_off": { "median": 1.0, "low": 1.0, "high": 1.0 }
//!         },
//!         "on": { … }
//!       }
//!     }
//!   ]
//! }
//! ```
//!
//! What does not apply is `null`. [`Ratio`] says what `by_off` is, the ratio of the seconds.

use measure::json::{self, Ordered};
use serde::Serialize;

use super::{Group, Measured, Report};
use crate::statistics::Ratio;

#[derive(Serialize)]
struct Results<'a> {
    valgrind: &'a str,
    results: Vec<Mode<'a>>,
}

#[derive(Serialize)]
struct Mode<'a> {
    program: &'a str,
    mode: &'a str,
    level: &'static str,
    counted_iterations: u32,
    timed_iterations: u32,
    variants: Ordered<'a, Cost<'a>>,
}

#[derive(Serialize)]
struct Cost<'a> {
    instructions: u64,
    spread: f64,
    by_plain: Option<f64>,
    seconds: &'a [f64],
    by_off: Option<Ratio>,
}

/// The report as JSON, with a line break at the end.
pub fn render(report: &Report) -> serde_json::Result<String> {
    let groups = report.groups();
    let modes = groups.iter().flat_map(|group| {
        group.modes.iter().map(move |measured| Mode {
            program: measured.program.package,
            mode: measured.mode.name,
            level: measured.level.name(),
            counted_iterations: measured.mode.counted,
            timed_iterations: measured.mode.timed,
            variants: costs(report, group, measured),
        })
    });
    let results = Results { valgrind: &report.valgrind, results: modes.collect() };
    json::render(&report.compiler, &report.variants, results)
}

fn costs<'a>(
    report: &'a Report,
    group: &Group<'_>,
    measured: &'a Measured,
) -> Ordered<'a, Cost<'a>> {
    let costs = measured.costs.iter().enumerate().map(|(index, cost)| Cost {
        instructions: cost.count.instructions(),
        spread: cost.count.spread(),
        by_plain: group.by_plain(measured, index),
        seconds: &cost.seconds,
        by_off: measured.ratio(index),
    });
    Ordered(report.variants.iter().map(|variant| variant.name.as_str()).zip(costs).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::report::tests::report;

    #[test]
    fn the_object_is_as_documented() {
        let text = render(&report()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["compiler"], "rustc 1.96.0-dev");
        assert_eq!(value["valgrind"], "valgrind-3.19.0");
        assert_eq!(value["flags"]["on"], json!(["-Zasync-returned-panic=no"]));
        assert_eq!(value["results"].as_array().unwrap().len(), 3);
        assert_eq!(
            value["results"][1],
            json!({
                "program": "hal-tree", "mode": "concrete", "level": "z",
                "counted_iterations": 100_002, "timed_iterations": 6_000_002,
                "variants": {
                    "off": {
                        "instructions": 3000, "spread": 0.0, "by_plain": 1.5,
                        "seconds": [0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
                        "by_off": {"median": 1.0, "low": 1.0, "high": 1.0},
                    },
                    "on": {
                        "instructions": 2500, "spread": 0.0, "by_plain": 1.25,
                        "seconds": [0.09, 0.09, 0.09, 0.09, 0.09, 0.09],
                        "by_off": {"median": 0.09 / 0.1, "low": 0.09 / 0.1, "high": 0.09 / 0.1},
                    },
                }
            })
        );
        assert!(text.find("\"off\"").unwrap() < text.find("\"on\"").unwrap());
    }

    #[test]
    fn what_was_not_measured_is_null() {
        let mut report = report();
        for cost in report.results.iter_mut().flat_map(|result| &mut result.costs) {
            cost.seconds.clear();
        }
        let value: Value = serde_json::from_str(&render(&report).unwrap()).unwrap();
        let timers = &value["results"][2]["variants"]["off"];
        assert_eq!((&timers["by_plain"], &timers["by_off"]), (&Value::Null, &Value::Null));
        assert_eq!(timers["seconds"], json!([]));
        assert!(timers["spread"].as_f64().unwrap() > 0.09, "{timers}");
    }
}
