//! The report as a picture: a bar chart of the flash that is saved, in percent.
//!
//! Every target and variant has a part of its own, with a row per binary and a bar per level.

use measure::amount::percentage;
use measure::arguments::unique;
use measure::chart::{Chart, Part};

use super::Report;

/// The chart as an SVG document.
pub fn render(report: &Report) -> String {
    let chart = Chart {
        title: "Flash saved, in % of the size without the passes",
        subtitle: &report.compiler,
        levels: unique(report.results.iter().map(|result| result.level)),
        parts: parts(report),
    };
    chart.render()
}

fn parts(report: &Report) -> Vec<Part> {
    let groups = report.groups();
    let mut parts = Vec::new();
    for target in unique(groups.iter().map(|group| group.target)) {
        for (index, variant) in report.variants.iter().enumerate().skip(1) {
            let mut part = Part::new(format!("{target}, passes {}", variant.name));
            for group in groups.iter().filter(|group| group.target == target) {
                let binaries = group.binaries.iter().map(|binary| {
                    (group.label(binary), false, binary.sizes[0].flash, binary.sizes[index].flash)
                });
                let sums = group.sums();
                let sum = ("sum".to_owned(), true, sums[0].flash, sums[index].flash);
                for (label, is_sum, off, on) in binaries.chain([sum]) {
                    part.add(label, is_sum, group.level, -percentage(off, on));
                }
            }
            parts.push(part);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use measure::opt_level::OptLevel;

    use super::*;
    use crate::report::tests::report;

    /// How many bars, boxes and grounds there are in what has to be well-formed.
    fn count_rects(svg: &str) -> usize {
        let document = roxmltree::Document::parse(svg).unwrap();
        document.descendants().filter(|node| node.tag_name().name() == "rect").count()
    }

    #[test]
    fn the_document_is_well_formed_and_has_a_bar_per_binary_and_level() {
        let mut report = report();
        report.compiler = "rustc <dev> & co".into();
        let svg = render(&report);
        // Two binaries and the sum, the legend and the ground.
        assert_eq!(count_rects(&svg), 3 + 1 + 1);
        assert!(svg.contains("rustc &lt;dev&gt; &amp; co"));
    }

    #[test]
    fn levels_of_a_binary_share_a_row() {
        let mut report = report();
        let mut at_s = report.results.clone();
        at_s.iter_mut().for_each(|result| result.level = OptLevel::S);
        report.results.extend(at_s);
        let svg = render(&report);
        assert_eq!(count_rects(&svg), 6 + 2 + 1);
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
        assert_eq!(count_rects(&render(&report)), 1);
    }
}
