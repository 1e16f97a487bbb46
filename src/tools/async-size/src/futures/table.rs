//! The futures for people: all of them in a table, or some in full.

use std::fmt::Write as _;

use measure::amount::{change, percent};
use measure::passes::Variant;
use measure::table::Grid;

use super::files::Files;
use super::layout::Owner;
use super::model::{Await, Future, Group, Layout, Value};
use super::names::{cut, fit};

/// How many characters a name has in a table, at most.
const NAME: usize = 52;

/// The same for a type.
const TYPE: usize = 36;

/// How many others a value is said to share bytes with, at most.
const OVERLAPS: usize = 3;

/// What stands where there is no number.
const NONE: &str = "–";

/// The name of what an await polls.
const AWAITED: &str = "(awaited)";

/// What the columns mean.
const FOOTNOTE: &str = "
Bytes of each future that is in a binary, with all that is in it: a future that another one awaits
counts in both. inlined: with the passes on it is a part of those that await it.
points: where it suspends, each a state.
";

/// What is on top of every report: the compiler, and the flags.
pub fn head(compiler: &str, variants: &[Variant]) -> String {
    let mut text = format!("{compiler}\n");
    for variant in variants {
        let _ = writeln!(text, "{}: {}", variant.name, variant.rustflags.join(" "));
    }
    text
}

/// A table of the `top` largest futures of each group; of all, if it is 0.
pub fn list(groups: &[Group], top: usize) -> String {
    let mut text = String::new();
    for group in groups {
        let count = if top == 0 { group.futures.len() } else { top };
        let _ = writeln!(text, "\n{}", group.title());
        if group.futures.is_empty() {
            text += "No future is in a binary.\n";
            continue;
        }
        text += &grid(&group.futures[..count.min(group.futures.len())]).render();
        if let Some(rest) = group.futures.get(count..).filter(|rest| !rest.is_empty()) {
            let inlined = rest.iter().filter(|future| future.on.is_none()).count();
            let _ =
                writeln!(text, "… and {} more, {inlined} of them inlined (--top 0)", rest.len());
        }
    }
    text += FOOTNOTE;
    text + "In full: --future NAME. Its states: --states NAME. All in a page: --html FILE.\n"
}

fn grid(futures: &[Future]) -> Grid {
    let mut grid = Grid::new(&[
        ("", &["future"]),
        ("bytes", &["off", "on", "Δ", "%"]),
        ("points", &["off", "on"]),
        ("", &["largest value, with its bytes"]),
    ]);
    for future in futures {
        let (off, on) = (future.off.as_ref(), future.on.as_ref());
        let size = |layout: Option<&Layout>, none: &str| {
            layout.map_or(none.to_owned(), |layout| layout.size.to_string())
        };
        let points = |layout: Option<&Layout>| {
            layout.map_or(NONE.to_owned(), |layout| layout.suspension_points().to_string())
        };
        let changes = match (off, on) {
            (Some(off), Some(on)) => [change(off.size, on.size), percent(off.size, on.size)],
            _ => [String::new(), String::new()],
        };
        let [delta, percent] = changes;
        let largest = future.latest().and_then(Layout::largest);
        let largest = largest.map(|value| match &value.name {
            Some(name) => format!("{name}: {}, {}", cut(&value.short_type, TYPE), value.size),
            None => format!("{}, {}", value.label, value.size),
        });
        grid.add(vec![
            vec![fit(&future.short, NAME)],
            vec![size(off, NONE), size(on, "inlined"), delta, percent],
            vec![points(off), points(on)],
            vec![largest.unwrap_or_default()],
        ]);
    }
    grid
}

/// All that is known of some futures of a group.
pub fn detail(group: &Group, futures: &[&Future], files: &Files) -> String {
    let mut text = format!("\n{}\n", group.title());
    for future in futures {
        text += &one(group, future, files);
    }
    text
}

/// All that is known of a future.
fn one(group: &Group, future: &Future, files: &Files) -> String {
    let mut text = format!("\n{}\n  {}\n", future.short, future.name);
    let place = future.source.as_ref().map(|source| files.place(source));
    let binaries: Vec<_> = future.binaries.iter().map(String::as_str).collect();
    let place = place.unwrap_or_else(|| format!("in {}", future.defined_in));
    let _ = writeln!(text, "  {place}; in {}", binaries.join(", "));
    match (&future.off, &future.on) {
        (Some(off), Some(on)) => {
            let (off, on) = (off.size, on.size);
            let _ = writeln!(text, "  {off} bytes off, {on} on ({} %)", percent(off, on));
        }
        (Some(off), None) => {
            let _ = writeln!(
                text,
                "  {} bytes off; with the passes on it is inlined everywhere",
                off.size
            );
        }
        (None, Some(on)) => {
            let _ = writeln!(text, "  {} bytes on; not in a binary with the passes off", on.size);
        }
        (None, None) => {}
    }
    for (name, layout) in [("on", &future.on), ("off", &future.off)] {
        if let Some(layout) = layout {
            text += &of_layout(group, name, layout, files);
        }
    }
    text
}

fn of_layout(group: &Group, name: &str, layout: &Layout, files: &Files) -> String {
    let mut text = format!("\n  passes {name}: {}\n", sum(layout));
    if layout.suspension_points() > 0 {
        text += &indented(&states(layout, files).render());
    }
    if !layout.values.is_empty() {
        text.push('\n');
        text += &indented(&values(layout, files).render());
    }
    text += &notes(group, layout);
    if !layout.awaits.is_empty() {
        text += "\n    awaits, those of inlined bodies among them\n";
    }
    for found in &layout.awaits {
        text += &of_await(found, files);
    }
    text
}

/// What its bytes are for.
fn sum(layout: &Layout) -> String {
    let (mut tag, mut upvars, mut saved, mut padding) = (0, 0, 0, 0);
    for part in &layout.parts {
        *match part.of {
            Owner::Tag => &mut tag,
            Owner::Value(index) if layout.values[index].is_upvar => &mut upvars,
            Owner::Value(_) => &mut saved,
            Owner::Padding => &mut padding,
        } += part.size;
    }
    let Layout { size, align, .. } = layout;
    format!(
        "{size} bytes, aligned to {align}: {upvars} of upvars, {saved} of saved values, {tag} of \
         the state's number, {padding} of padding"
    )
}

fn states(layout: &Layout, files: &Files) -> Grid {
    let mut grid = Grid::new(&[
        ("", &["state", "waits at"]),
        ("bytes", &["up to", "in use"]),
        ("", &["saves", "leads to"]),
    ]);
    for state in layout.states.iter().filter(|state| state.is_suspended()) {
        let place = state.source.as_ref().map_or(NONE.to_owned(), |source| files.place(source));
        let saved: Vec<_> =
            state.saved.iter().map(|&index| layout.values[index].label.as_str()).collect();
        let next: Vec<_> =
            state.leads_to.iter().map(|&next| layout.states[next].name.as_str()).collect();
        grid.add(vec![
            vec![state.name.clone(), place],
            vec![state.size.to_string(), state.used.to_string()],
            vec![cut(&saved.join(", "), NAME), next.join(", ")],
        ]);
    }
    grid
}

/// What a future holds, by its place.
fn values(layout: &Layout, files: &Files) -> Grid {
    let mut grid = Grid::new(&[
        ("", &["value", "type"]),
        ("bytes", &["at", "size"]),
        ("", &["lives from", "kept by the awaits at"]),
    ]);
    let mut values: Vec<_> = layout.values.iter().collect();
    values.sort_by_key(|value| (value.offset, std::cmp::Reverse(value.size)));
    for value in values {
        let source = value.source.as_ref().map_or(NONE.to_owned(), |source| files.place(source));
        // The type says the rest.
        let name = value.name.as_deref().unwrap_or(if value.is_awaited { AWAITED } else { NONE });
        let kept = if value.is_upvar { "(upvar)".to_owned() } else { waits(layout, value) };
        grid.add(vec![
            vec![name.to_owned(), cut(&value.short_type, TYPE)],
            vec![value.offset.to_string(), value.size.to_string()],
            vec![source, kept],
        ]);
    }
    grid
}

/// The lines of the awaits that a value is kept over. Those in other files have their names.
fn waits(layout: &Layout, value: &Value) -> String {
    let file = value.source.as_ref().map(|source| &source.file);
    let mut lines = Vec::new();
    for (_, state) in layout.waits_with(value) {
        let Some(source) = &state.source else { continue };
        let line = source.line;
        let name = source.file.file_name().unwrap_or_default().to_string_lossy();
        let line =
            if Some(&source.file) == file { line.to_string() } else { format!("{name}:{line}") };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    cut(&lines.join(", "), NAME)
}

/// What is said of single values: what they share, and what is in them.
fn notes(group: &Group, layout: &Layout) -> String {
    let mut text = String::new();
    for value in &layout.values {
        let labels = |indices: &[usize]| {
            indices
                .iter()
                .map(|&index| layout.values[index].label.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        if !value.overlaps.is_empty() {
            let (named, rest) = value.overlaps.split_at(value.overlaps.len().min(OVERLAPS));
            let more =
                if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            let others = labels(named);
            let _ = writeln!(text, "    {} shares bytes with {others}{more}", value.label);
        }
        if value.is_upvar && value.twin.is_some() {
            let (label, size) = (&value.label, value.size);
            let _ = writeln!(
                text,
                "    {label} is likely kept twice, as an upvar and as a variable: {size} bytes"
            );
        }
        for &future in &value.futures {
            let future = &group.futures[future].short;
            let _ = writeln!(text, "    {} holds the future {future}", value.label);
        }
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn of_await(found: &Await, files: &Files) -> String {
    let place = found.source.as_ref().map_or(NONE.to_owned(), |source| files.place(source));
    let mut text = format!("    {place}: {}\n", found.short);
    for fate in &found.fates {
        let _ = writeln!(text, "      {}", fate.words);
        if let Some(remedy) = &fate.remedy {
            let _ = writeln!(text, "      → {remedy}");
        }
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::futures::model::tests::group;

    #[test]
    fn futures_stand_with_off_beside_on() {
        let text = list(&[group()], 0);
        let expected = "
thumbv7em-none-eabi, opt-level z, panic abort
           │         bytes          │ points │
future     │ off      on   Δ      % │ off on │ largest value, with its bytes
───────────┼────────────────────────┼────────┼──────────────────────────────
app::serve │ 160      96 −64 −40.00 │   2  1 │ buffer: [u8; 64], 64
app::read  │  80 inlined            │   1  – │ out: [u8; 32], 32
";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let text = list(&[group()], 1);
        assert!(text.contains("… and 1 more, 1 of them inlined (--top 0)"), "{text}");
    }

    #[test]
    fn a_group_without_futures_says_so() {
        let mut group = group();
        group.futures.clear();
        assert!(list(&[group], 20).contains("panic abort\nNo future is in a binary.\n"));
    }

    #[test]
    fn a_future_in_full_has_its_states_values_and_awaits() {
        let group = group();
        let files = Files::new(std::slice::from_ref(&group), Path::new("/app"));
        let text = detail(&group, &group.find("app::serve"), &files);
        for line in [
            "160 bytes off, 96 on (−40.00 %)",
            "passes on: 96 bytes, aligned to 4: 8 of upvars, 80 of saved values, 1 of",
            "Suspend0 src/main.rs:12 │   152    152 │ buffer, await of read Returned, Suspend0, Suspend1",
            "buffer    [u8; 64]    │  8   64 │ src/main.rs:11 12, 14",
            "await of read shares bytes with timer",
            "await of read holds the future app::read",
            "inlined: its awaitee is a part of this future",
            "merged: its code is that of the await at line 5",
            "src/main.rs:12: read",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }

    #[test]
    fn an_upvar_that_is_kept_twice_is_named() {
        let group = group();
        let text = detail(&group, &group.find("app::read"), &Files::default());
        assert!(text.contains("out is likely kept twice"), "{text}");
        assert!(text.contains("with the passes on it is inlined everywhere"), "{text}");
    }
}
