//! The report for people.

use measure::amount::{change, percent, share};
use measure::elf::Sizes;
use measure::table::{Grid, SUM};

use super::{Group, Report};

/// What the numbers mean; the same as in [`measure::elf`].
const FOOTNOTE: &str = "\
Bytes. flash: all allocated sections with contents in the file (.text, .rodata, vector and unwind
tables, the load image of .data); RAM: all allocated writable sections (.data, .bss), no stack;
pools: what of that is reserved for the futures of embassy's tasks;
frame: the largest stack frame of a function that is named as a poll or a closure; stack: the
largest sum of frames along a chain of direct calls from such a function, without polls through
vtables; – where the calls are not known.
";

/// What async code is; the same as in [`measure::debug_info`].
const ASYNC_FOOTNOTE: &str = "\
async: code whose innermost inlined function is an async body; % of flash.
";

/// What stands where a size is not known.
const UNKNOWN: &str = "–";

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
    if has_async_code(report.results.iter().flat_map(|result| &result.sizes)) {
        text += ASYNC_FOOTNOTE;
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

/// Whether the async code was measured.
fn has_async_code<'a>(mut sizes: impl Iterator<Item = &'a Sizes>) -> bool {
    sizes.any(|sizes| sizes.async_code.is_some())
}

/// The async code as cells: its size, and its share of the flash.
fn async_code(sizes: &Sizes) -> [String; 2] {
    match sizes.async_code {
        Some(size) => [size.to_string(), share(size, sizes.flash)],
        None => [UNKNOWN, ""].map(str::to_owned),
    }
}

/// The stack that chains of calls take, as a cell.
fn stack(sizes: &Sizes) -> String {
    sizes.stack.map_or(UNKNOWN.into(), |size| size.to_string())
}

/// The table for one variant against none: a line per binary.
fn one_variant(group: &Group<'_>) -> Grid {
    let has_async_code = has_async_code(group.binaries.iter().flat_map(|binary| &binary.sizes));
    let mut columns: Vec<(&str, &[&str])> = vec![
        ("", &["binary"]),
        (".text", &["off", "on"]),
        (".rodata", &["off", "on"]),
        ("flash", &["off", "on", "Δ", "%"]),
        ("RAM", &["off", "on", "Δ", "%"]),
        ("pools", &["off", "on", "%"]),
        ("frame", &["off", "on", "Δ"]),
        ("stack", &["off", "on"]),
    ];
    if has_async_code {
        columns.push(("async", &["off", "%", "on", "%"]));
    }
    let mut grid = Grid::new(&columns);
    let mut add = |label: String, sizes: &[Sizes]| {
        let (off, on) = (sizes[0], sizes[1]);
        let pair = |off: u64, on: u64| vec![off.to_string(), on.to_string()];
        let with_change = |off, on| [pair(off, on), vec![change(off, on)]].concat();
        let with_percent = |mut cells: Vec<String>, off, on| {
            cells.push(percent(off, on));
            cells
        };
        let mut row = vec![
            vec![label],
            pair(off.text, on.text),
            pair(off.rodata, on.rodata),
            with_percent(with_change(off.flash, on.flash), off.flash, on.flash),
            with_percent(with_change(off.ram, on.ram), off.ram, on.ram),
            with_percent(pair(off.pools, on.pools), off.pools, on.pools),
            with_change(off.frame, on.frame),
            vec![stack(&off), stack(&on)],
        ];
        if has_async_code {
            row.push([async_code(&off), async_code(&on)].concat());
        }
        grid.add(row);
    };
    for binary in &group.binaries {
        add(group.label(binary), &binary.sizes);
    }
    add(SUM.into(), &group.sums());
    grid
}

/// The table for several variants: a line per binary and variant.
fn several_variants(group: &Group<'_>, report: &Report) -> Grid {
    let has_async_code = has_async_code(group.binaries.iter().flat_map(|binary| &binary.sizes));
    let mut columns: Vec<(&str, &[&str])> = vec![
        ("", &["binary"]),
        ("", &["variant"]),
        ("flash", &["size", "Δ", "%"]),
        ("RAM", &["size", "Δ", "%"]),
        ("pools", &["size", "Δ", "%"]),
        ("frame", &["size", "Δ", "%"]),
        ("stack", &["size", "Δ", "%"]),
    ];
    if has_async_code {
        columns.push(("async", &["size", "%"]));
    }
    let mut grid = Grid::new(&columns);
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
            let stacks = match off.stack.zip(sizes.stack) {
                Some((off, size)) => cells(off, size),
                None => vec![stack(sizes), String::new(), String::new()],
            };
            let mut row = vec![
                vec![if is_off { label.clone() } else { String::new() }],
                vec![variant.name.clone()],
                cells(off.flash, sizes.flash),
                cells(off.ram, sizes.ram),
                cells(off.pools, sizes.pools),
                cells(off.frame, sizes.frame),
                stacks,
            ];
            if has_async_code {
                row.push(async_code(sizes).into());
            }
            grid.add(row);
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
    use crate::report::tests::{report, report_with_async_code};

    #[test]
    fn one_variant_has_a_line_per_binary_and_a_sum() {
        let text = render(&report());
        let expected = "
thumbv6m-none-eabi, opt-level z, panic abort
│ .text │ .rodata │ flash │ RAM │ pools │ frame │ stack
binary │ off on │ off on │ off on Δ % │ off on Δ % │ off on % │ off on Δ │ off on
";
        // The widths are those of the cells, so only the words of the lines are compared.
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<_> = text.lines().map(words).collect();
        for line in expected.lines().skip(1).map(words) {
            assert!(lines.contains(&line), "{line} is not in\n{text}");
        }
        for line in [
            "leds │ 8000 7000 │ 900 900 │ 9000 8000 −1000 −11.11 │ 500 400 −100 −20.00 │ 250 200 −20.00 │ 64 48 −16 │ 128 96",
            "radio │ 500 600 │ 0 4 │ 500 604 +104 +20.80 │ 0 8 +8 n/a │ 0 4 n/a │ 8 8 0 │ 16 16",
            "sum │ 8500 7600 │ 900 904 │ 9500 8604 −896 −9.43 │ 500 408 −92 −18.40 │ 250 204 −18.40 │ 72 56 −16 │ 144 112",
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
        assert!(rows.iter().all(|row| *row == rows[0] && row.len() == 7), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 115), "{text}");
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
            "leds │ off │ 9000 │ 500 │ 250 │ 64 │ 128",
            "│ on │ 8000 −1000 −11.11 │ 400 −100 −20.00 │ 200 −50 −20.00 │ 48 −16 −25.00 │ 96 −32 −25.00",
            "│ InlineAwait │ 9000 0 0.00 │ 500 0 0.00 │ 250 0 0.00 │ 64 0 0.00 │ 128 0 0.00",
            "on: flash: −896 B (−9.43 %) over 2 binaries",
            "InlineAwait: flash: 0 B (0.00 %) over 2 binaries",
        ] {
            assert!(lines.contains(&line.into()), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn async_code_is_shown_with_its_share_of_the_flash() {
        let mut report = report_with_async_code();
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = words(render(&report));
        assert!(text.contains("│ async binary"), "{text}");
        assert!(text.contains("│ 128 96 │ 2000 22.22 1750 21.88 radio"), "{text}");
        assert!(text.contains(&words(ASYNC_FOOTNOTE.into())), "{text}");
        assert!(!render(&super::super::tests::report()).contains("async:"));
        report.variants.push(Variant { name: "InlineAwait".into(), rustflags: vec![] });
        for result in &mut report.results {
            result.sizes.push(result.sizes[0]);
        }
        let text = words(render(&report));
        assert!(text.contains("│ 96 −32 −25.00 │ 1750 21.88 │ InlineAwait"), "{text}");
    }

    #[test]
    fn a_stack_that_is_not_known_is_no_number() {
        let mut report = report();
        report.results[1].sizes[0].stack = None;
        let text = render(&report);
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let ends: Vec<_> = text.lines().map(words).collect();
        assert!(ends.iter().any(|line| line.ends_with("│ 8 8 0 │ – 16")), "{text}");
        assert!(ends.iter().any(|line| line.ends_with("│ 72 56 −16 │ – 112")), "{text}");
    }
}
