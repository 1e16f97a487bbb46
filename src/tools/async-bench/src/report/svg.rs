//! The report as a picture: a bar chart of the instructions that are saved, in percent.
//!
//! Every program, panic strategy and variant has a part of its own, with a row per mode and a bar
//! per level.

use measure::amount::percentage;
use measure::arguments::unique;
use measure::chart::{Chart, Part};

use super::{Measured, Report};

/// The chart as an SVG document.
pub fn render(report: &Report) -> String {
    let chart = Chart {
        title: "Instructions saved, in % of those without the passes",
        subtitle: &report.compiler,
        levels: unique(report.results.iter().map(|result| result.level)),
        parts: parts(report),
    };
    chart.render()
}

fn parts(report: &Report) -> Vec<Part> {
    let mut parts = Vec::new();
    let key = |result: &Measured| (result.program, result.panic);
    for (program, panic) in unique(report.results.iter().map(key)) {
        for (index, variant) in report.variants.iter().enumerate().skip(1) {
            let (program_name, passes) = (program.package, &variant.name);
            let mut part = Part::new(format!("{program_name}, panic {panic}, passes {passes}"));
            for result in report.results.iter().filter(|result| key(result) == (program, panic)) {
                let saved = -percentage(result.instructions(0), result.instructions(index));
                part.add(result.mode.name.into(), false, result.level, saved);
            }
            parts.push(part);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    /// How many bars, boxes and grounds there are in what has to be well-formed.
    fn count_rects(svg: &str) -> usize {
        let document = roxmltree::Document::parse(svg).unwrap();
        document.descendants().filter(|node| node.tag_name().name() == "rect").count()
    }

    #[test]
    fn every_mode_has_a_bar_with_what_it_saves() {
        let svg = render(&report());
        // Four modes, the legend and the ground.
        assert_eq!(count_rects(&svg), 4 + 1 + 1);
        let title = ">server, panic unwind, passes on<";
        for text in [">16.67 %<", ">\u{2212}0.90 %<", ">concrete<", title] {
            assert!(svg.contains(text), "{text} is not in {svg}");
        }
    }
}
