//! The reports on a comparison for people and for programs.
//!
//! The latter is one object:
//!
//! ```text
//! {
//!   "compiler": "rustc 1.96.0-dev",               the first line of `rustc -vV`
//!   "flags": { "off": ["-Z…"], "on": ["-Z…"], "no-InlineAwait": ["-Z…"], … },
//!   "results": [
//!     {
//!       "target": "thumbv7em-none-eabi",
//!       "level": "z",
//!       "panic": "abort",
//!       "name": "join",                           of the binary or the complaint
//!       "measure": "future",                      or "RAM", ".text", "frame"
//!       "variants": { "off": 1, "on": 1, "no-InlineAwait": 1, … },   in bytes
//!       "better": ["off"]                         than "on", by more than the slack
//!     }
//!   ],
//!   "failed": ["nrf/blinky (on): it does not build"]
//! }
//! ```

use measure::json::{self, Ordered};
use measure::table::Grid;
use serde::Serialize;

use super::{Comparison, Group, Measure};

/// What stands behind a size that all passes together are worse than.
const MARK: &str = "!";

#[derive(Serialize)]
struct Results<'a> {
    results: Vec<Line<'a>>,
    failed: &'a [String],
}

#[derive(Serialize)]
struct Line<'a> {
    target: &'a str,
    level: &'static str,
    panic: &'static str,
    name: &'a str,
    measure: &'static str,
    variants: Ordered<'a, u64>,
    better: Vec<&'a str>,
}

/// The comparison as JSON.
pub fn json(comparison: &Comparison) -> serde_json::Result<String> {
    let Comparison { compiler, variants, measures, groups, failed } = comparison;
    let name = |variant: usize| variants[variant].name.as_str();
    let mut results = Vec::new();
    for group in groups {
        for row in &group.rows {
            results.extend(measures.iter().enumerate().map(|(index, measure)| {
                Line {
                    target: &group.target,
                    level: group.level.name(),
                    panic: group.panic.name(),
                    name: &row.label,
                    measure: measure.name,
                    variants: Ordered(
                        (row.sizes.iter().enumerate())
                            .map(|(variant, sizes)| (name(variant), sizes[index]))
                            .collect(),
                    ),
                    better: row.better(measures, index).into_iter().map(name).collect(),
                }
            }));
        }
    }
    json::render(compiler, variants, Results { results, failed })
}

/// A table for each group and measure with a line per program; then every place that is worse.
pub fn table(comparison: &Comparison) -> String {
    let mut text = format!("{}\n", comparison.compiler);
    for variant in &comparison.variants {
        text += &format!("{}: {}\n", variant.name, variant.rustflags.join(" "));
    }
    for group in &comparison.groups {
        for (index, measure) in comparison.measures.iter().enumerate() {
            text += &format!("\n{}: {}\n", title(group), measure.name);
            text += &grid(comparison, group, index).render();
        }
    }
    text += &footnote(&comparison.measures);
    for failure in &comparison.failed {
        text += &format!("failed: {failure}\n");
    }
    for worse in comparison.worse() {
        text += &format!(
            "worse: {}, {}: {} with all passes, {} with {} ({})\n",
            worse.label,
            worse.measure.name,
            worse.on,
            worse.other,
            worse.variant.name,
            title(worse.group)
        );
    }
    text
}

fn title(group: &Group) -> String {
    format!("{}, opt-level {}, panic {}", group.target, group.level, group.panic)
}

/// The table for the measure at `index`. The names of the passes are too long for one line.
fn grid(comparison: &Comparison, group: &Group, index: usize) -> Grid {
    let parts: Vec<_> =
        (comparison.variants.iter()).map(|variant| in_two_lines(&variant.name)).collect();
    let names: Vec<_> = parts.iter().map(|(_, below)| [*below]).collect();
    let mut columns: Vec<(&str, &[&str])> = vec![("", &["program"])];
    columns.extend(parts.iter().zip(&names).map(|((above, _), below)| (*above, &below[..])));
    let mut grid = Grid::new(&columns);
    for row in &group.rows {
        let better = row.better(&comparison.measures, index);
        let cells = row.sizes.iter().enumerate().map(|(variant, sizes)| {
            let mark = if better.contains(&variant) { MARK } else { " " };
            vec![format!("{}{mark}", sizes[index])]
        });
        grid.add([vec![row.label.clone()]].into_iter().chain(cells).collect());
    }
    grid
}

/// The name of a variant as two words: that of a pass is parted before its second capital.
fn in_two_lines(name: &str) -> (&str, &str) {
    let capitals = name.char_indices().filter(|(_, letter)| letter.is_ascii_uppercase());
    match capitals.map(|(index, _)| index).nth(1) {
        Some(index) => name.split_at(index),
        None => ("passes", name),
    }
}

/// What the numbers and the marks mean.
fn footnote(measures: &[Measure; 3]) -> String {
    let slack = |measure: &Measure| {
        let Measure { name, percent, bytes, only_with_off } = measure;
        if *only_with_off {
            format!("{name} by any byte, with the flag off only")
        } else {
            format!("{name} by {percent} % and {bytes} bytes")
        }
    };
    let slacks: Vec<_> = measures.iter().map(slack).collect();
    format!(
        "\nBytes. {MARK}: all passes together are worse than this, and by more than the slack:\n{}.\n\
         frame: the largest stack frame of a function that is named as a poll or a closure.\n",
        slacks.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::comparison;

    #[test]
    fn sizes_that_are_better_are_marked_and_listed() {
        let text = table(&comparison());
        let expected = "
thumbv7em-none-eabi, opt-level z, panic unwind: future
           │ passes │ passes │ no-Inline
program    │    off │     on │     Await
───────────┼────────┼────────┼──────────
join       │   864  │   436  │      800
kept_block │  1003! │  2003  │     1003!
";
        assert!(text.contains(expected), "{text}");
        let line = "worse: kept_block, frame: 64 with all passes, 40 with off";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn the_object_is_as_documented() {
        let text = json(&comparison()).unwrap();
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        let kept = &object["results"][3];
        assert_eq!((&kept["name"], &kept["measure"]), (&"kept_block".into(), &"future".into()));
        assert_eq!(kept["variants"]["no-InlineAwait"], 1003);
        assert_eq!(kept["better"], serde_json::json!(["off", "no-InlineAwait"]));
    }

    #[test]
    fn names_of_passes_are_parted() {
        assert_eq!(in_two_lines("no-ReturnedPending"), ("no-Returned", "Pending"));
        assert_eq!(in_two_lines("off"), ("passes", "off"));
    }
}
