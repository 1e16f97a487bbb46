//! The reports on the programs for people and for programs.
//!
//! The latter is one object, with all sizes in bytes:
//!
//! ```text
//! {
//!   "compiler": "rustc 1.96.0-dev",               the first line of `rustc -vV`
//!   "flags": { "off": ["-Z…"], "on": ["-Z…"] },   the flags of each variant
//!   "complaints": [
//!     {
//!       "target": "thumbv7em-none-eabi",
//!       "level": "z",
//!       "panic": "abort",
//!       "complaint": "join",                      and its form: "combine, block"
//!       "variants": {
//!         "off": { "future": 1, "text": 1, "frame": 1, "stack": 1 },
//!         "on": { … },
//!         "by hand": { … }                        where there is such a version
//!       }
//!     }
//!   ]
//! }
//! ```

use measure::json::{self, Ordered};
use measure::passes::Variant;
use measure::table::Grid;
use serde::Serialize;

use super::{BY_HAND, Footprint, Group, Row};

/// What the numbers mean.
const FOOTNOTE: &str = "
Bytes, of object files that are not linked. by hand: written for size, with the passes on; frame:
the largest stack frame of a function that is named as a poll or a closure; stack: the largest sum
of frames along a chain of direct calls in the file from such a function.
";

/// What stands where there is no version by hand, or where calls are not known.
const NONE: &str = "–";

#[derive(Serialize)]
struct Results<'a> {
    complaints: Vec<Complaint<'a>>,
}

#[derive(Serialize)]
struct Complaint<'a> {
    target: &'a str,
    level: &'static str,
    panic: &'static str,
    complaint: &'a str,
    variants: Ordered<'a, &'a Footprint>,
}

/// The sizes as JSON.
pub fn json(compiler: &str, variants: &[Variant], groups: &[Group]) -> serde_json::Result<String> {
    let complaints = groups.iter().flat_map(|group| {
        group.rows.iter().map(move |row| Complaint {
            target: &group.target,
            level: group.level.name(),
            panic: group.panic.name(),
            complaint: &row.label,
            variants: by_name(variants, row),
        })
    });
    json::render(compiler, variants, Results { complaints: complaints.collect() })
}

fn by_name<'a>(variants: &'a [Variant], row: &'a Row) -> Ordered<'a, &'a Footprint> {
    let names = variants.iter().map(|variant| variant.name.as_str());
    let by_hand = row.by_hand.iter().map(|footprint| (BY_HAND, footprint));
    Ordered(names.zip(&row.variants).chain(by_hand).collect())
}

/// A table for each target, level and panic strategy, with a line per program.
pub fn table(compiler: &str, variants: &[Variant], groups: &[Group]) -> String {
    let mut text = format!("{compiler}\n");
    for variant in variants {
        text += &format!("{}: {}\n", variant.name, variant.rustflags.join(" "));
    }
    for group in groups {
        text += &format!("\n{}\n", group.title());
        let columns = &["off", "on", BY_HAND];
        let mut grid = Grid::new(&[
            ("", &["complaint"]),
            ("future", columns),
            (".text", columns),
            ("frame", columns),
            ("stack", columns),
        ]);
        for row in &group.rows {
            let cells = |part: fn(&Footprint) -> Option<u64>| -> Vec<String> {
                let measured = row.variants.iter().map(Some).chain([row.by_hand.as_ref()]);
                let sizes = measured.map(|footprint| footprint.and_then(part));
                sizes.map(|size| size.map_or(NONE.into(), |size| size.to_string())).collect()
            };
            grid.add(vec![
                vec![row.label.clone()],
                cells(|footprint| Some(footprint.future)),
                cells(|footprint| Some(footprint.text)),
                cells(|footprint| Some(footprint.frame)),
                cells(|footprint| footprint.stack),
            ]);
        }
        text += &grid.render();
    }
    text + FOOTNOTE
}

#[cfg(test)]
mod tests {
    use measure::opt_level::OptLevel;
    use measure::panic_strategy::PanicStrategy;

    use super::*;

    fn groups() -> Vec<Group> {
        let sizes =
            |future, text, frame| Footprint { future, text, frame, stack: Some(frame + 100) };
        let row = |label: &str, by_hand| Row {
            label: label.into(),
            variants: vec![sizes(864, 693, 32), sizes(436, 543, 24)],
            by_hand,
        };
        vec![Group {
            target: "thumbv7em-none-eabi".into(),
            level: OptLevel::Z,
            panic: PanicStrategy::Unwind,
            rows: vec![row("join", Some(sizes(420, 545, 16))), row("guards, 3-guards", None)],
        }]
    }

    #[test]
    fn the_table_has_a_line_for_each_program() {
        let expected = "\
rustc 1
off: -Zasync-returned-panic=yes
on: -Zasync-returned-panic=no

thumbv7em-none-eabi, opt-level z, panic unwind
                 │     future      │      .text      │     frame      │      stack
complaint        │ off  on by hand │ off  on by hand │ off on by hand │ off  on by hand
─────────────────┼─────────────────┼─────────────────┼────────────────┼────────────────
join             │ 864 436     420 │ 693 543     545 │  32 24      16 │ 132 124     116
guards, 3-guards │ 864 436       – │ 693 543       – │  32 24       – │ 132 124       –
";
        let text = table("rustc 1", &[Variant::off(), Variant::on()], &groups());
        assert_eq!(text, expected.to_owned() + FOOTNOTE);
    }

    #[test]
    fn the_object_is_as_documented() {
        let text = json("rustc 1", &[Variant::off(), Variant::on()], &groups()).unwrap();
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        let join = &object["complaints"][0];
        assert_eq!((&join["complaint"], &join["panic"]), (&"join".into(), &"unwind".into()));
        assert_eq!(join["variants"]["by hand"]["future"], 420);
        assert_eq!(join["variants"]["by hand"]["stack"], 116);
        assert_eq!(object["complaints"][1]["variants"].as_object().unwrap().len(), 2);
    }
}
