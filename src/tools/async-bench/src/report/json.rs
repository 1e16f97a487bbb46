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
//!       "panic": "abort",
//!       "level": "z",
//!       "counted_iterations": 100002,             of the runs that instructions were counted in
//!       "timed_iterations": 6000002,              of those that were timed
//!       "variants": {
//!         "off": {
//!           "instructions": 31650842,
//!           "instructions_by_iteration": 316.50,
//!           "spread": 0.0,                        of counts in several runs, in percent
//!           "by_plain": 2.65,                     instructions by those of the mode without async
//!           "allocated": 1844978,                 bytes, in the runs that were counted
//!           "allocated_by_iteration": 18.45,
//!           "futures": { "client": 96, … },       the bytes of the main futures
//!           "text": 450000,                       the bytes of code, of all modes together
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
    panic: &'static str,
    level: &'static str,
    counted_iterations: u32,
    timed_iterations: u32,
    variants: Ordered<'a, Cost<'a>>,
}

#[derive(Serialize)]
struct Cost<'a> {
    instructions: u64,
    instructions_by_iteration: f64,
    spread: f64,
    by_plain: Option<f64>,
    allocated: Option<u64>,
    allocated_by_iteration: Option<f64>,
    futures: Ordered<'a, u64>,
    text: u64,
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
            panic: measured.panic.name(),
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
    let by_iteration = |total: u64| total as f64 / f64::from(measured.mode.counted);
    let costs = measured.costs.iter().enumerate().map(|(index, cost)| Cost {
        instructions: cost.count.instructions(),
        instructions_by_iteration: by_iteration(cost.count.instructions()),
        spread: cost.count.spread(),
        by_plain: group.by_plain(measured, index),
        allocated: cost.allocated,
        allocated_by_iteration: cost.allocated.map(by_iteration),
        futures: Ordered(
            cost.futures.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect(),
        ),
        text: cost.text,
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
        assert_eq!(value["results"].as_array().unwrap().len(), 4);
        assert_eq!(value["results"][1]["variants"]["on"]["by_plain"], 1.25);
        assert_eq!(
            value["results"][3],
            json!({
                "program": "server", "mode": "kv", "panic": "unwind", "level": "z",
                "counted_iterations": 20_000, "timed_iterations": 30_000,
                "variants": {
                    "off": {
                        "instructions": 30_000_000, "instructions_by_iteration": 1500.0,
                        "spread": 0.0, "by_plain": null,
                        "allocated": 5_000_000, "allocated_by_iteration": 250.0,
                        "futures": {"connection": 400}, "text": 5000,
                        "seconds": [0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
                        "by_off": {"median": 1.0, "low": 1.0, "high": 1.0},
                    },
                    "on": {
                        "instructions": 29_010_000, "instructions_by_iteration": 1450.5,
                        "spread": 0.0, "by_plain": null,
                        "allocated": 4_990_000, "allocated_by_iteration": 249.5,
                        "futures": {"connection": 300}, "text": 4800,
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
        assert_eq!((&timers["seconds"], &timers["futures"]), (&json!([]), &json!({})));
        assert_eq!(timers["allocated_by_iteration"], Value::Null);
        assert!(timers["spread"].as_f64().unwrap() > 0.09, "{timers}");
    }
}
