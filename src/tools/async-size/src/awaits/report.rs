//! The reports for people and for programs.
//!
//! The latter is one object:
//!
//! ```text
//! {
//!   "compiler": "rustc 1.96.0-dev",       the first line of `rustc -vV`
//!   "flags": { "on": ["-Z…"] },
//!   "levels": [
//!     {
//!       "level": "z",
//!       "crates": [
//!         {
//!           "crate": "drivers",
//!           "bodies": 2,                  that await one type more than once
//!           "surplus": 3,                 suspension points but for the first of each type
//!           "gone": 2,
//!           "left": { "hold different locals": 1 }
//!         }
//!       ]
//!     }
//!   ]
//! }
//! ```

use std::collections::BTreeMap;

use measure::json;
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;
use measure::table::{Grid, SUM};
use serde::Serialize;

use super::log::{Census, Counts};

/// What the numbers mean.
const FOOTNOTE: &str = "
Bodies that await one type more than once; their suspension points, without the first of each type;
how many became one with another, and how many did not.
";

/// What follows that, if some did not.
const REASONS: &str = "Of these:\n";

#[derive(Serialize)]
struct Results<'a> {
    levels: Vec<Level<'a>>,
}

#[derive(Serialize)]
struct Level<'a> {
    level: &'static str,
    crates: Vec<Crate<'a>>,
}

#[derive(Serialize)]
struct Crate<'a> {
    #[serde(rename = "crate")]
    name: &'a str,
    bodies: usize,
    surplus: usize,
    gone: usize,
    left: &'a BTreeMap<String, usize>,
}

/// The counts as JSON.
pub fn json(
    compiler: &str,
    variant: &Variant,
    by_level: &[(OptLevel, Census)],
) -> serde_json::Result<String> {
    let levels = by_level.iter().map(|(level, census)| Level {
        level: level.name(),
        crates: census.crates.iter().map(of_crate).collect(),
    });
    let results = Results { levels: levels.collect() };
    json::render(compiler, std::slice::from_ref(variant), results)
}

fn of_crate<'a>((name, counts): (&'a String, &'a Counts)) -> Crate<'a> {
    let Counts { bodies, surplus, gone, .. } = *counts;
    Crate { name, bodies, surplus, gone, left: &counts.left }
}

/// A table for each level: the crates with most of such points first.
pub fn table(
    compiler: &str,
    panic: PanicStrategy,
    variant: &Variant,
    by_level: &[(OptLevel, Census)],
) -> String {
    let mut text = format!("{compiler}\n{}: {}\n", variant.name, variant.rustflags.join(" "));
    for (level, census) in by_level {
        text += &format!("\nopt-level {level}, panic {panic}\n");
        let columns = &["bodies", "points", "gone", "left"];
        let mut grid = Grid::new(&[("", &["crate"]), ("await one type", columns)]);
        let mut add = |name: &str, counts: &Counts| {
            let left = counts.surplus - counts.gone;
            let numbers = [counts.bodies, counts.surplus, counts.gone, left];
            let numbers = numbers.map(|count| count.to_string()).to_vec();
            grid.add(vec![vec![name.to_owned()], numbers]);
        };
        let mut crates: Vec<_> = census.crates.iter().collect();
        crates.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.surplus));
        let mut sum = Counts::default();
        for (name, counts) in crates {
            add(name, counts);
            sum.add(counts);
        }
        add(SUM, &sum);
        text += &grid.render();
        text += FOOTNOTE;
        if !sum.left.is_empty() {
            text += REASONS;
        }
        for (reason, count) in &sum.left {
            text += &format!("{count} {reason}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted() -> Vec<(OptLevel, Census)> {
        let left = BTreeMap::from([("hold different locals".to_owned(), 1)]);
        let counts = |bodies, surplus, gone, left: &BTreeMap<_, _>| Counts {
            bodies,
            surplus,
            gone,
            left: left.clone(),
        };
        let crates = BTreeMap::from([
            ("app".to_owned(), counts(1, 1, 1, &BTreeMap::new())),
            ("drivers".to_owned(), counts(2, 3, 2, &left)),
        ]);
        let mut census = Census::default();
        census.crates = crates;
        vec![(OptLevel::Z, census)]
    }

    #[test]
    fn the_table_has_a_line_for_each_crate_and_the_reasons() {
        let expected = "\
rustc 1
on: -Zasync-returned-panic=no

opt-level z, panic abort
        │     await one type
crate   │ bodies points gone left
────────┼────────────────────────
drivers │      2      3    2    1
app     │      1      1    1    0
────────┼────────────────────────
sum     │      3      4    3    1

Bodies that await one type more than once; their suspension points, without the first of each type;
how many became one with another, and how many did not.
Of these:
1 hold different locals
";
        let text = table("rustc 1", PanicStrategy::Abort, &Variant::on(), &counted());
        assert_eq!(text, expected);
    }

    #[test]
    fn the_object_is_as_documented() {
        let text = json("rustc 1", &Variant::on(), &counted()).unwrap();
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        let drivers = &object["levels"][0]["crates"][1];
        assert_eq!(object["levels"][0]["level"], "z");
        assert_eq!((&drivers["crate"], &drivers["gone"]), (&"drivers".into(), &2.into()));
        assert_eq!(drivers["left"]["hold different locals"], 1);
    }
}
