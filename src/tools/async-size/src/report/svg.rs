//! The report as a picture: a bar chart of the flash that is saved, in percent.
//!
//! Every target and variant has a part of its own, with a row per binary and a bar per level, and
//! all parts have the same scale. The picture has a white ground and no script, style sheet or font
//! of its own, so that it looks the same wherever it is shown.

use std::fmt::Write as _;

use super::Report;
use super::amount::percentage;
use crate::opt_level::OptLevel;

/// The width of the picture, in pixels, as all lengths here.
const WIDTH: f64 = 860.0;

/// Where the bars may stand. Left of it is room for a negative number, then for the names.
const PLOT: std::ops::Range<f64> = 250.0..790.0;

const BAR_HEIGHT: f64 = 12.0;
const ROW_GAP: f64 = 10.0;
const MARGIN: f64 = 20.0;

/// The colors of the levels, in their order.
const COLORS: [&str; 6] = ["#2f6fba", "#e08a2e", "#3d9970", "#8a63b0", "#7a828c", "#b05656"];

/// The chart as an SVG document.
pub fn render(report: &Report) -> String {
    let parts = parts(report);
    let levels = levels(report);
    let scale = Scale::new(parts.iter().flat_map(Part::all_saved));

    let mut body = String::new();
    let mut y = MARGIN + 16.0;
    text(
        &mut body,
        MARGIN,
        y,
        "start",
        17,
        "600",
        "Flash saved, in % of the size without the passes",
    );
    y += 20.0;
    text(&mut body, MARGIN, y, "start", 12, "400", &report.compiler);
    y += 26.0;
    legend(&mut body, y, &levels);
    y += 14.0;
    for part in &parts {
        y += 26.0;
        text(&mut body, MARGIN, y, "start", 14, "600", &part.title);
        y += 12.0;
        y = part.draw(&mut body, y, &levels, &scale);
    }
    let height = y + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"system-ui, sans-serif\" fill=\"#1f2328\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// The bars of one target and variant.
struct Part {
    title: String,
    rows: Vec<Row>,
}

/// The bars of one binary, or of the sum.
struct Row {
    label: String,
    is_sum: bool,
    /// What is saved at each level, in percent; negative if the binary grew.
    saved: Vec<(OptLevel, f64)>,
}

fn parts(report: &Report) -> Vec<Part> {
    let groups = report.groups();
    let mut targets = Vec::new();
    for group in &groups {
        if !targets.contains(&group.target) {
            targets.push(group.target);
        }
    }
    let mut parts = Vec::new();
    for target in targets {
        for (index, variant) in report.variants.iter().enumerate().skip(1) {
            let mut rows = Vec::<Row>::new();
            for group in groups.iter().filter(|group| group.target == target) {
                let binaries = group.binaries.iter().map(|binary| {
                    (group.label(binary), false, binary.sizes[0].flash, binary.sizes[index].flash)
                });
                let sums = group.sums();
                let sum = ("sum".to_owned(), true, sums[0].flash, sums[index].flash);
                for (label, is_sum, off, on) in binaries.chain([sum]) {
                    let bar = (group.level, -percentage(off, on));
                    match rows.iter_mut().find(|row| row.label == label && row.is_sum == is_sum) {
                        Some(row) => row.saved.push(bar),
                        None => rows.push(Row { label, is_sum, saved: vec![bar] }),
                    }
                }
            }
            rows.sort_by_key(|row| row.is_sum);
            parts.push(Part { title: format!("{target}, passes {}", variant.name), rows });
        }
    }
    parts
}

/// The levels of the report, in its order.
fn levels(report: &Report) -> Vec<OptLevel> {
    let mut levels = Vec::new();
    for result in &report.results {
        if !levels.contains(&result.level) {
            levels.push(result.level);
        }
    }
    levels
}

fn legend(body: &mut String, y: f64, levels: &[OptLevel]) {
    for (index, level) in levels.iter().enumerate() {
        let x = MARGIN + 120.0 * index as f64;
        bar(body, x, y - 10.0, 12.0, COLORS[index % COLORS.len()]);
        text(body, x + 18.0, y, "start", 12, "400", &format!("opt-level {level}"));
    }
}

impl Part {
    fn all_saved(&self) -> impl Iterator<Item = f64> {
        self.rows.iter().flat_map(|row| row.saved.iter().map(|(_, saved)| *saved))
    }

    /// Draws the part from `top` on, and returns where it ends.
    fn draw(&self, body: &mut String, top: f64, levels: &[OptLevel], scale: &Scale) -> f64 {
        let height = |row: &Row| row.saved.len() as f64 * (BAR_HEIGHT + 2.0) + ROW_GAP;
        let bottom = top + self.rows.iter().map(height).sum::<f64>() + ROW_GAP;
        for tick in scale.ticks() {
            let x = scale.x(tick);
            let color = if tick == 0.0 { "#57606a" } else { "#d8dee4" };
            let _ = writeln!(
                body,
                "<line x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"{color}\"/>"
            );
            text(
                body,
                x,
                bottom + 14.0,
                "middle",
                11,
                "400",
                &format!("{} %", signed(tick, scale.decimals())),
            );
        }
        let mut y = top + ROW_GAP;
        for row in &self.rows {
            let weight = if row.is_sum { "600" } else { "400" };
            let middle = y + (height(row) - ROW_GAP) / 2.0;
            text(body, PLOT.start - 60.0, middle + 4.0, "end", 12, weight, &row.label);
            for (level, saved) in &row.saved {
                let index = levels.iter().position(|other| other == level).unwrap_or(0);
                let (from, to) = (scale.x(saved.min(0.0)), scale.x(saved.max(0.0)));
                bar(body, from, y, to - from, COLORS[index % COLORS.len()]);
                let (x, anchor) =
                    if *saved < 0.0 { (from - 5.0, "end") } else { (to + 5.0, "start") };
                let value = format!("{} %", signed(*saved, 2));
                text(body, x, y + BAR_HEIGHT - 2.0, anchor, 11, weight, &value);
                y += BAR_HEIGHT + 2.0;
            }
            y += ROW_GAP;
        }
        bottom + 18.0
    }
}

/// From percent to pixels.
struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// A scale with 0 and every one of the `values`, between whole steps of a round number.
    fn new(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) =
            values.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let span = (high - low).max(0.1);
        // The power of ten below a sixth of the span, times the first of 1, 2, 5 and 10 that makes
        // no more than about six steps.
        let power = 10.0_f64.powf((span / 6.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|factor| factor * power)
            .into_iter()
            .find(|step| span / step <= 6.0)
            .unwrap_or(10.0 * power);
        let high = (high / step).ceil().max(if low < 0.0 { 0.0 } else { 1.0 }) * step;
        Scale { low: (low / step).floor() * step, high, step }
    }

    fn x(&self, value: f64) -> f64 {
        PLOT.start + (value - self.low) / (self.high - self.low) * (PLOT.end - PLOT.start)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let first = (self.low / self.step).round() as i64;
        let last = (self.high / self.step).round() as i64;
        (first..=last).map(|number| number as f64 * self.step)
    }

    /// How many decimal places the ticks need.
    fn decimals(&self) -> usize {
        (-self.step.log10().floor()).max(0.0) as usize
    }
}

/// A number with a minus sign of the width of a digit, and never a negative zero.
fn signed(value: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", value.abs());
    let is_zero = digits.chars().all(|c| c == '0' || c == '.');
    if value < 0.0 && !is_zero { format!("\u{2212}{digits}") } else { digits }
}

fn bar(body: &mut String, x: f64, y: f64, width: f64, color: &str) {
    let _ = writeln!(
        body,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR_HEIGHT}\" fill=\"{color}\"/>"
    );
}

fn text(body: &mut String, x: f64, y: f64, anchor: &str, size: u32, weight: &str, content: &str) {
    let _ = writeln!(
        body,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" \
         font-weight=\"{weight}\">{}</text>",
        escape(content)
    );
}

/// The text with the characters that mean something in XML written in another way.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    /// Checks that tags are closed in turn and attributes quoted, and returns how many `name` there
    /// are.
    fn count_elements(svg: &str, name: &str) -> usize {
        let mut open = Vec::new();
        let mut count = 0;
        for tag in svg.split('<').skip(1) {
            let (tag, content) = tag.split_once('>').expect("a tag that does not end");
            assert!(
                !content.contains('>')
                    && !content
                        .replace("&amp;", "")
                        .replace("&lt;", "")
                        .replace("&gt;", "")
                        .contains('&')
            );
            if let Some(closed) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed));
                continue;
            }
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            let element = tag.split([' ', '/']).next().unwrap();
            count += usize::from(element == name);
            if !tag.ends_with('/') {
                open.push(element);
            }
        }
        assert!(open.is_empty(), "{open:?}");
        count
    }

    #[test]
    fn the_document_is_well_formed_and_has_a_bar_per_binary_and_level() {
        let mut report = report();
        report.compiler = "rustc <dev> & co".into();
        let svg = render(&report);
        // Two binaries and the sum, the legend and the ground.
        assert_eq!(count_elements(&svg, "rect"), 3 + 1 + 1);
        assert!(svg.contains("rustc &lt;dev&gt; &amp; co"));
    }

    #[test]
    fn levels_of_a_binary_share_a_row() {
        let mut report = report();
        let mut at_s = report.results.clone();
        at_s.iter_mut().for_each(|result| result.level = OptLevel::S);
        report.results.extend(at_s);
        let svg = render(&report);
        assert_eq!(count_elements(&svg, "rect"), 6 + 2 + 1);
        assert_eq!(svg.matches(">leds<").count(), 1);
        assert!(svg.find(">radio<").unwrap() < svg.find(">sum<").unwrap());
    }

    #[test]
    fn bars_say_what_is_saved_and_what_is_lost() {
        let svg = render(&report());
        assert!(svg.contains(">11.11 %<") && svg.contains(">−20.80 %<"), "{svg}");
    }

    #[test]
    fn a_report_without_results_is_well_formed() {
        let mut report = report();
        report.results.clear();
        assert_eq!(count_elements(&render(&report), "rect"), 1);
    }

    #[test]
    fn the_scale_has_all_values_between_round_ticks() {
        let scale = Scale::new([-3.0, 17.5].into_iter());
        assert_eq!(scale.ticks().collect::<Vec<_>>(), [-5.0, 0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!((scale.x(-5.0), scale.x(20.0)), (PLOT.start, PLOT.end));
        let small = Scale::new([0.4].into_iter());
        assert_eq!(small.decimals(), 1);
        assert!(small.ticks().last().unwrap() >= 0.4);
    }
}
