//! The states of a future, and which may follow which: as a graph for Graphviz, and as a picture.

use std::fmt::Write as _;

use measure::xml;

use super::files::Files;
use super::layout::range;
use super::model::{Layout, State, Value};
use super::names::cut;

/// How many saved values a state names; the smaller ones are counted.
const VALUES: usize = 4;

/// The sizes of the picture, in pixels.
const WIDTH: usize = 760;
const MARGIN: usize = 120;
const BOX_HEIGHT: usize = 44;
const STEP: usize = 64;

/// How many characters fit into a box.
const COLUMNS: usize = 76;

/// What the picture looks like when it is alone.
const STYLE: &str = "<style>svg{color:#222;background:#fff;font:12px sans-serif}\
@media(prefers-color-scheme:dark){svg{color:#ddd;background:#16181d}}</style>";

/// What a state is, in two lines.
struct Label {
    head: String,
    saved: String,
}

/// The states that are left or entered somewhere, by number. Where a panic aborts, no future has
/// panicked.
fn states(layout: &Layout) -> Vec<(usize, &State)> {
    let is_entered =
        |number: usize| layout.states.iter().any(|state| state.leads_to.contains(&number));
    let all = layout.states.iter().enumerate();
    all.filter(|(number, state)| !state.leads_to.is_empty() || is_entered(*number)).collect()
}

impl Label {
    fn new(layout: &Layout, state: &State, files: &Files) -> Self {
        let mut head = state.name.clone();
        if let Some(source) = &state.source {
            head += &format!(" at {}", files.place(source));
        }
        if state.used > 0 {
            head += &format!(": {} bytes", state.used);
        }
        Label { head, saved: saved(layout, state) }
    }
}

/// What a state saves, the largest first.
fn saved(layout: &Layout, state: &State) -> String {
    let mut saved: Vec<&Value> = state
        .saved
        .iter()
        .map(|&index| &layout.values[index])
        .filter(|value| value.size > 0)
        .collect();
    if saved.is_empty() {
        return if state.is_suspended() { "saves nothing".to_owned() } else { String::new() };
    }
    saved.sort_by_key(|value| std::cmp::Reverse(range(value).end - range(value).start));
    let named: Vec<_> =
        saved.iter().take(VALUES).map(|value| format!("{} {}", value.label, value.size)).collect();
    let rest = saved.len().saturating_sub(VALUES);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("saves {}{more}", named.join(", "))
}

/// The graph in the language of Graphviz.
pub fn dot(title: &str, layout: &Layout, files: &Files) -> String {
    let mut text = format!("digraph {} {{\n", quoted(title));
    text += "  node [shape=box, fontname=\"sans-serif\"];\n";
    let states = states(layout);
    for (number, state) in &states {
        let Label { head, saved } = Label::new(layout, state, files);
        let label = if saved.is_empty() { head } else { format!("{head}\n{saved}") };
        let _ = writeln!(text, "  s{number} [label={}];", quoted(&label));
    }
    for (number, state) in &states {
        for next in &state.leads_to {
            let _ = writeln!(text, "  s{number} -> s{next};");
        }
    }
    text + "}\n"
}

/// A string of Graphviz.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}

/// The graph as a picture: a box for each state, with arcs down to the left, and up to the right.
/// One that is `alone` has colors of its own, others those of the text around them.
pub fn svg(title: &str, layout: &Layout, files: &Files, alone: bool) -> String {
    let states = states(layout);
    let height = states.len() * STEP;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" font-size=\"12\">"
    );
    let _ = write!(text, "<title>The states of {}</title>", xml::escape(title));
    if alone {
        text += STYLE;
    }
    text += "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" \
             markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"currentColor\"/>\
             </marker></defs>";
    let row = |number: usize| states.iter().position(|(other, _)| *other == number);
    for (from, (_, state)) in states.iter().enumerate() {
        for to in state.leads_to.iter().filter_map(|&next| row(next)) {
            text += &arc(from, to, states.len());
        }
    }
    for (row, (_, state)) in states.iter().enumerate() {
        text += &state_box(row, &Label::new(layout, state, files), state.is_suspended());
    }
    text + "</svg>\n"
}

/// The box of a state in some row.
fn state_box(row: usize, label: &Label, is_suspended: bool) -> String {
    let Label { head, saved } = label;
    let (top, width) = (row * STEP + (STEP - BOX_HEIGHT) / 2, WIDTH - 2 * MARGIN);
    let first = if saved.is_empty() { top + 27 } else { top + 18 };
    let dashes = if is_suspended { "" } else { " stroke-dasharray=\"4 3\"" };
    let mut text = format!(
        "<rect x=\"{MARGIN}\" y=\"{top}\" width=\"{width}\" height=\"{BOX_HEIGHT}\" rx=\"5\" \
         fill=\"none\" stroke=\"currentColor\"{dashes}/>"
    );
    for (line, y, weight) in [(head, first, "bold"), (saved, top + 35, "normal")] {
        let _ = write!(
            text,
            "<text x=\"{}\" y=\"{y}\" font-weight=\"{weight}\" fill=\"currentColor\">{}</text>",
            MARGIN + 10,
            xml::escape(&cut(line, COLUMNS))
        );
    }
    text
}

/// An arrow from one of so many rows to another.
fn arc(from: usize, to: usize, rows: usize) -> String {
    let middle = |row: usize| row * STEP + STEP / 2;
    // Arrows leave a box below its middle, and reach one above it, so that they do not meet.
    let (start, end) = (middle(from) + 10, middle(to) - 10);
    let reach = 24 + (MARGIN - 34) * from.abs_diff(to) / rows.max(1);
    let (x, bend) =
        if from < to { (MARGIN, MARGIN - reach) } else { (WIDTH - MARGIN, WIDTH - MARGIN + reach) };
    format!(
        "<path d=\"M{x} {start}C{bend} {start} {bend} {end} {x} {end}\" fill=\"none\" \
         stroke=\"currentColor\" opacity=\"0.65\" marker-end=\"url(#head)\"/>"
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::futures::model::tests::group;

    #[test]
    fn dot_has_the_states_and_what_leads_where() {
        let group = group();
        let layout = group.futures[0].off.as_ref().unwrap();
        let files = Files::new(std::slice::from_ref(&group), Path::new("/app"));
        let text = dot("a \"b\"", layout, &files);
        assert!(text.starts_with("digraph \"a \\\"b\\\"\" {\n"), "{text}");
        let state = "s3 [label=\"Suspend0 at src/main.rs:12: 152 bytes\\n\
                     saves await of read 80, buffer 64\"];";
        assert!(text.contains(state), "{text}");
        assert!(text.contains("s3 -> s4;") && text.contains("s4 -> s4;"), "{text}");
    }

    #[test]
    fn a_state_that_nothing_leads_to_is_left_out() {
        let group = group();
        let layout = group.futures[0].on.as_ref().unwrap();
        let text = dot("serve", layout, &Files::default());
        assert!(!text.contains("Panicked") && text.contains("Returned"), "{text}");
    }

    #[test]
    fn the_picture_is_well_formed_and_has_a_box_per_state() {
        let group = group();
        let layout = group.futures[0].off.as_ref().unwrap();
        for alone in [false, true] {
            let svg = svg("<serve> & co", layout, &Files::default(), alone);
            let document = roxmltree::Document::parse(&svg).unwrap();
            let count = |name: &str| {
                document.descendants().filter(|node| node.tag_name().name() == name).count()
            };
            assert_eq!((count("rect"), count("style")), (5, usize::from(alone)));
        }
    }

    #[test]
    fn many_values_are_counted() {
        let group = group();
        let mut layout = group.futures.into_iter().next().unwrap().off.unwrap();
        let state = &mut layout.states[3];
        state.saved = vec![1, 1, 1, 1, 1, 1];
        let state = state.clone();
        assert!(saved(&layout, &state).ends_with("buffer 64 and 2 more"));
    }
}
