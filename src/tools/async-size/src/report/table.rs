//! The report for people.

use measure::amount::{change, percent};
use measure::elf::Sizes;
use measure::table::{Grid, SUM};

use super::{Group, Report};

/// What the numbers mean; the same as in [`measure::elf`].
const FOOTNOTE: &str = "\
Bytes. flash: all allocated sections with contents in the file (.text, .rodata, vector and unwind
tables, the load image of .data); RAM: all allocated writable sections (.data, .bss), no stack;
frame: the largest stack frame of a function that is named as a poll or a closure, without what it
calls.
";

/// The tables for every target and level, with sums and the rule of the sizes; then what failed.
pub fn render(report: &Report) -> String {
    let mut text = format!("{}\n", report.compiler);
    for variant in &report.variants {
        text += &format!("{}: {}\n", variant.name, variant.rustflags.join(" "));
    }
    for group in report.groups() {
        text += &format!("\n{}\n", group.title());
        let grid = if report.variants.len() == 2 {
            one_variant(&group)
        } else {
            several_variants(&group, report)
        };
        text += &grid.render();
        text += &conclusion(&group, report);
    }
    if !report.results.is_empty() {
        text += &format!("\n{FOOTNOTE}");
    }
    if !report.failed.is_empty() {
        text += "\nfailed, and not in the sums:\n";
    }
    for failure in &report.failed {
        text += &format!(
            "  {}/{} ({}, opt-level {}, panic {}, {}): {}\n",
            failure.package,
            failure.binary,
            failure.target,
            failure.level,
            failure.panic,
            failure.variant,
            failure.reason
        );
    }
    text
}

/// The table for one variant against none: a line per binary.
fn one_variant(group: &Group<'_>) -> Grid {
    let mut grid = Grid::new(&[
        ("", &["binary"]),
        (".text", &["off", "on", "Δ"]),
        (".rodata", &["off", "on", "Δ"]),
        ("flash", &["off", "on", "Δ", "%"]),
        ("RAM", &["off", "on", "Δ", "%"]),
        ("frame", &["off", "on", "Δ"]),
    ]);
    let mut add = |label: String, sizes: &[Sizes]| {
        let (off, on) = (sizes[0], sizes[1]);
        let [text, rodata, mut flash, mut ram, frame] = [
            (off.text, on.text),
            (off.rodata, on.rodata),
            (off.flash, on.flash),
            (off.ram, on.ram),
            (off.frame, on.frame),
        ]
        .map(|(off, on)| vec![off.to_string(), on.to_string(), change(off, on)]);
        flash.push(percent(off.flash, on.flash));
        ram.push(percent(off.ram, on.ram));
        grid.add(vec![vec![label], text, rodata, flash, ram, frame]);
    };
    for binary in &group.binaries {
        add(group.label(binary), &binary.sizes);
    }
    add(SUM.into(), &group.sums());
    grid
}

/// The table for several variants: a line per binary and variant.
fn several_variants(group: &Group<'_>, report: &Report) -> Grid {
    let mut grid = Grid::new(&[
        ("", &["binary"]),
        ("", &["variant"]),
        ("flash", &["size", "Δ", "%"]),
        ("RAM", &["size", "Δ", "%"]),
        ("frame", &["size", "Δ", "%"]),
    ]);
    let mut add = |label: String, all_sizes: &[Sizes]| {
        let off = all_sizes[0];
        for (index, (variant, sizes)) in report.variants.iter().zip(all_sizes).enumerate() {
            let is_off = index == 0;
            let cells = |off: u64, size: u64| {
                if is_off {
                    vec![size.to_string(), String::new(), String::new()]
                } else {
                    vec![size.to_string(), change(off, size), percent(off, size)]
                }
            };
            grid.add(vec![
                vec![if is_off { label.clone() } else { String::new() }],
                vec![variant.name.clone()],
                cells(off.flash, sizes.flash),
                cells(off.ram, sizes.ram),
                cells(off.frame, sizes.frame),
            ]);
        }
    };
    for binary in &group.binaries {
        add(group.label(binary), &binary.sizes);
    }
    add(SUM.into(), &group.sums());
    grid
}

/// What each variant changes in sum, a line for each.
fn conclusion(group: &Group<'_>, report: &Report) -> String {
    let sums = group.sums();
    let mut text = String::new();
    for (variant, sum) in report.variants.iter().zip(&sums).skip(1) {
        if report.variants.len() > 2 {
            text += &format!("{}: ", variant.name);
        }
        let count = group.binaries.len();
        text += &format!(
            "flash: {} B ({} %) over {count} {}\n",
            change(sums[0].flash, sum.flash),
            percent(sums[0].flash, sum.flash),
            if count == 1 { "binary" } else { "binaries" }
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use measure::passes::Variant;

    use super::*;
    use crate::report::tests::report;

    #[test]
    fn one_variant_has_a_line_per_binary_and_a_sum() {
        let text = render(&report());
        let expected = "
thumbv6m-none-eabi, opt-level z, panic abort
       │      .text       │    .rodata   │           flash          │       RAM       │  frame
binary │   off    on    Δ │  off   on  Δ │   off    on     Δ      % │ off  on    Δ  % │ off on Δ
";
        // The widths are those of the cells, so only the words of the lines are compared.
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<_> = text.lines().map(words).collect();
        for line in expected.lines().skip(1).map(words) {
            assert!(lines.contains(&line), "{line} is not in\n{text}");
        }
        for line in [
            "leds │ 8000 7000 −1000 │ 900 900 0 │ 9000 8000 −1000 −11.11 │ 500 400 −100 −20.00 │ 64 48 −16",
            "radio │ 500 600 +100 │ 0 4 +4 │ 500 604 +104 +20.80 │ 0 8 +8 n/a │ 8 8 0",
            "sum │ 8500 7600 −900 │ 900 904 +4 │ 9500 8604 −896 −9.43 │ 500 408 −92 −18.40 │ 72 56 −16",
            "flash: −896 B (−9.43 %) over 2 binaries",
            "rp/broken (thumbv6m-none-eabi, opt-level z, panic abort, on): it does not build",
        ] {
            assert!(lines.contains(&line.into()), "{line} is not in\n{text}");
        }
        assert!(text.contains(FOOTNOTE));
    }

    #[test]
    fn the_columns_stand_below_each_other() {
        let text = render(&report());
        let bars = |line: &str| -> Vec<_> {
            let found = line.chars().enumerate().filter(|(_, c)| "│┼".contains(*c));
            found.map(|(index, _)| index).collect()
        };
        let rows: Vec<_> = text.lines().map(bars).filter(|bars| !bars.is_empty()).collect();
        assert_eq!(rows.len(), 7, "{text}");
        assert!(rows.iter().all(|row| *row == rows[0] && row.len() == 5), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    }

    #[test]
    fn several_variants_are_compared_with_off() {
        let mut report = report();
        report.variants.push(Variant { name: "InlineAwait".into(), rustflags: vec![] });
        for result in &mut report.results {
            let off = result.sizes[0];
            result.sizes.push(off);
        }
        let text = render(&report);
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<_> = text.lines().map(words).collect();
        for line in [
            "leds │ off │ 9000 │ 500 │ 64",
            "│ on │ 8000 −1000 −11.11 │ 400 −100 −20.00 │ 48 −16 −25.00",
            "│ InlineAwait │ 9000 0 0.00 │ 500 0 0.00 │ 64 0 0.00",
            "on: flash: −896 B (−9.43 %) over 2 binaries",
            "InlineAwait: flash: 0 B (0.00 %) over 2 binaries",
        ] {
            assert!(lines.contains(&line.into()), "{line} is not in\n{text}");
        }
    }
}
