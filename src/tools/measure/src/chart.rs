//! Bar charts of what is saved, in percent.
//!
//! A chart has parts, and a part has a row for each thing that was measured, with a bar per level.
//! All parts have the same scale. The picture has a white ground and no script, style sheet or font
//! of its own, so that it looks the same wherever it is shown.

use std::fmt::Write as _;

use crate::opt_level::OptLevel;
use crate::xml::escape;

/// The width of the picture, in pixels, as all lengths here.
const WIDTH: f64 = 860.0;

/// Where the bars may stand. Left of it is room for a negative number, then for the names.
const PLOT: std::ops::Range<f64> = 250.0..790.0;

const BAR_HEIGHT: f64 = 12.0;
const ROW_GAP: f64 = 10.0;
const MARGIN: f64 = 20.0;

/// The colors of the levels, in their order.
const COLORS: [&str; 6] = ["#2f6fba", "#e08a2e", "#3d9970", "#8a63b0", "#7a828c", "#b05656"];

/// A picture of what is saved.
#[derive(Debug)]
pub struct Chart<'a> {
    /// What the bars tell.
    pub title: &'a str,
    /// What was measured.
    pub subtitle: &'a str,
    /// The levels, in the order of the legend.
    pub levels: Vec<OptLevel>,
    /// The parts, from top to bottom.
    pub parts: Vec<Part>,
}

/// Bars that belong together.
#[derive(Debug)]
pub struct Part {
    title: String,
    rows: Vec<Row>,
}

/// The bars of one thing, or of the sum.
#[derive(Debug)]
struct Row {
    label: String,
    is_sum: bool,
    /// What is saved at each level, in percent; negative if something grew.
    saved: Vec<(OptLevel, f64)>,
}

impl Chart<'_> {
    /// The chart as an SVG document.
    pub fn render(&self) -> String {
        let scale = Scale::new(self.parts.iter().flat_map(Part::all_saved));
        let mut body = String::new();
        let mut y = MARGIN + 16.0;
        text(&mut body, MARGIN, y, "start", 17, "600", self.title);
        y += 20.0;
        text(&mut body, MARGIN, y, "start", 12, "400", self.subtitle);
        y += 26.0;
        legend(&mut body, y, &self.levels);
        y += 14.0;
        for part in &self.parts {
            y += 26.0;
            text(&mut body, MARGIN, y, "start", 14, "600", &part.title);
            y += 12.0;
            y = part.draw(&mut body, y, &self.levels, &scale);
        }
        let height = y + MARGIN;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" font-family=\"system-ui, sans-serif\" \
             fill=\"#1f2328\">\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
        )
    }
}

fn legend(body: &mut String, y: f64, levels: &[OptLevel]) {
    for (index, level) in levels.iter().enumerate() {
        let x = MARGIN + 120.0 * index as f64;
        bar(body, x, y - 10.0, 12.0, COLORS[index % COLORS.len()]);
        text(body, x + 18.0, y, "start", 12, "400", &format!("opt-level {level}"));
    }
}

impl Part {
    /// A part without bars.
    pub fn new(title: String) -> Self {
        Part { title, rows: Vec::new() }
    }

    /// Adds a bar to the row `label`, which is below all others if it is the sum: what is `saved`
    /// at the `level`, in percent.
    pub fn add(&mut self, label: String, is_sum: bool, level: OptLevel, saved: f64) {
        let bar = (level, saved);
        match self.rows.iter_mut().find(|row| row.label == label && row.is_sum == is_sum) {
            Some(row) => row.saved.push(bar),
            None => self.rows.push(Row { label, is_sum, saved: vec![bar] }),
        }
        self.rows.sort_by_key(|row| row.is_sum);
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bars, boxes and grounds there are in what has to be well-formed.
    fn count_rects(svg: &str) -> usize {
        let document = roxmltree::Document::parse(svg).unwrap();
        document.descendants().filter(|node| node.tag_name().name() == "rect").count()
    }

    fn chart() -> Chart<'static> {
        let mut part = Part::new("here, passes on".into());
        for level in [OptLevel::Z, OptLevel::S] {
            part.add("sum".into(), true, level, 0.001);
            part.add("sum".into(), false, level, -20.8);
            part.add("leds".into(), false, level, 11.114);
        }
        let subtitle = "rustc <dev> & co";
        Chart {
            title: "Saved",
            subtitle,
            levels: vec![OptLevel::Z, OptLevel::S],
            parts: vec![part],
        }
    }

    #[test]
    fn there_is_a_row_per_label_and_a_bar_per_level() {
        let svg = chart().render();
        // Two rows and the sum, the legend and the ground.
        assert_eq!(count_rects(&svg), 6 + 2 + 1);
        assert_eq!(svg.matches(">leds<").count(), 1);
        assert!(svg.contains("rustc &lt;dev&gt; &amp; co"));
        // The sum is below what is only called so.
        assert!(svg.rfind(">sum<").unwrap() > svg.find(">leds<").unwrap());
    }

    #[test]
    fn bars_say_what_is_saved_and_what_is_lost() {
        let svg = chart().render();
        for value in [">11.11 %<", ">\u{2212}20.80 %<", ">0.00 %<"] {
            assert!(svg.contains(value), "{value} is not in {svg}");
        }
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
