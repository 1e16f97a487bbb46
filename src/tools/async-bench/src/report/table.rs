//! The report for people.

use measure::amount::{change, percent};
use measure::table::Grid;

use super::{Group, Measured, Report};

/// What the numbers mean; the same as in [`crate::callgrind`] and [`crate::statistics`].
const FOOTNOTE: &str = "\
instructions: of the whole process, counted by callgrind; ±: how far apart several counts are, in %,
where they are not the same. by sync: instructions by those of the mode without async. by request:
what a run takes by the requests in it, rounded; % is of the whole run. allocated: bytes, of server
and clients. time on/off: the median ratio of runs that took turns, and the ends of its 95 %
confidence interval. Part of it may come from how code happens to be laid out.
";

/// The tables for every program, panic strategy and level, and what the numbers mean.
pub fn render(report: &Report) -> String {
    let mut text = format!("{}, {}\n", report.compiler, report.valgrind);
    for variant in &report.variants {
        text += &format!("{}: {}\n", variant.name, variant.rustflags.join(" "));
    }
    for group in report.groups() {
        let Group { program, panic, level, .. } = &group;
        let by = if program.has_requests { ", by request" } else { "" };
        text += &format!("\n{}, panic {panic}, opt-level {level}{by}\n", program.package);
        text += &costs(&group, report).render();
        text += &format!("\n{}", sizes(&group, report).render());
    }
    text + "\n" + FOOTNOTE
}

/// The table of a program at a level: a line per mode and variant, with what `off` takes in each.
fn costs(group: &Group<'_>, report: &Report) -> Grid {
    let mut groups = vec![
        ("", &["mode"][..]),
        ("", &["variant"]),
        ("instructions", &["off", "on", "Δ", "%", "±"]),
    ];
    let has_plain = group.modes.iter().any(|mode| group.by_plain(mode, 0).is_some());
    if has_plain {
        groups.push(("by sync", &["off", "on"]));
    }
    let has_allocated = group.modes.iter().any(|mode| mode.costs[0].allocated.is_some());
    if has_allocated {
        groups.push(("allocated", &["off", "on", "%"]));
    }
    let has_time = group.modes.iter().any(|mode| mode.ratio(0).is_some());
    if has_time {
        groups.push(("time on/off", &["median", "low", "high"]));
    }
    let mut grid = Grid::new(&groups);
    for mode in &group.modes {
        for (index, variant) in report.variants.iter().enumerate().skip(1) {
            let label = if index == 1 { mode.mode.name } else { "" };
            let mut row = vec![vec![label.into()], vec![variant.name.clone()], counts(mode, index)];
            if has_plain {
                let by_plain = |index| group.by_plain(mode, index);
                row.push([0, index].map(|index| fraction(by_plain(index))).to_vec());
            }
            if has_allocated {
                row.push(allocated(mode, index));
            }
            if has_time {
                let ratio = mode.ratio(index);
                let parts = [ratio.map(|r| r.median), ratio.map(|r| r.low), ratio.map(|r| r.high)];
                row.push(parts.map(fraction).to_vec());
            }
            grid.add(row);
        }
    }
    grid
}

/// The instructions in the variant at `index`, beside those in the first.
fn counts(measured: &Measured, index: usize) -> Vec<String> {
    let (off, on) = (measured.instructions(0), measured.instructions(index));
    let spread = measured.costs[0].count.spread().max(measured.costs[index].count.spread());
    let spread = if spread == 0.0 { String::new() } else { format!("{spread:.2}") };
    let [off_shown, on_shown] = [off, on].map(|total| shown(measured, total));
    let change = change(off_shown, on_shown);
    vec![off_shown.to_string(), on_shown.to_string(), change, percent(off, on), spread]
}

/// The bytes allocated in the variant at `index`, beside those in the first.
fn allocated(measured: &Measured, index: usize) -> Vec<String> {
    let (Some(off), Some(on)) = (measured.costs[0].allocated, measured.costs[index].allocated)
    else {
        return vec![String::new(); 3];
    };
    let [off_shown, on_shown] = [off, on].map(|total| shown(measured, total).to_string());
    vec![off_shown, on_shown, percent(off, on)]
}

/// What is shown of a total: what one request has of it, or all if there are no requests.
fn shown(measured: &Measured, total: u64) -> u64 {
    if measured.program.has_requests {
        (total as f64 / f64::from(measured.mode.counted)).round() as u64
    } else {
        total
    }
}

/// The table of the sizes: a line for the code and for each future, in every variant.
fn sizes(group: &Group<'_>, report: &Report) -> Grid {
    let mut grid =
        Grid::new(&[("", &["size of"]), ("", &["variant"]), ("bytes", &["off", "on", "Δ", "%"])]);
    let mut add = |label: &str, bytes: &dyn Fn(usize) -> u64| {
        for (index, variant) in report.variants.iter().enumerate().skip(1) {
            let label = if index == 1 { label } else { "" };
            let (off, on) = (bytes(0), bytes(index));
            let numbers = vec![off.to_string(), on.to_string(), change(off, on), percent(off, on)];
            grid.add(vec![vec![label.into()], vec![variant.name.clone()], numbers]);
        }
    };
    add(".text", &|index| group.modes[0].costs[index].text);
    for mode in &group.modes {
        for (place, (name, _)) in mode.costs[0].futures.iter().enumerate() {
            let label = format!("{} {name}", mode.mode.name);
            add(&label, &|index| mode.costs[index].futures[place].1);
        }
    }
    grid
}

/// A ratio with three decimal places; nothing if there is none.
fn fraction(ratio: Option<f64>) -> String {
    ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use measure::passes::Variant;

    use super::*;
    use crate::report::tests::report;

    /// The lines of the table, with single spaces.
    fn lines(report: &Report) -> Vec<String> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        render(report).lines().map(words).collect()
    }

    #[track_caller]
    fn has_lines(report: &Report, expected: &[&str]) {
        let lines = lines(report);
        for line in expected {
            assert!(lines.contains(&(*line).into()), "{line} is not in\n{}", render(report));
        }
    }

    #[test]
    fn every_mode_has_a_line() {
        has_lines(
            &report(),
            &[
                "rustc 1.96.0-dev, valgrind-3.19.0",
                "on: -Zasync-returned-panic=no",
                "hal-tree, panic abort, opt-level z",
                "│ │ instructions │ by sync │ time on/off",
                "mode │ variant │ off on Δ % ± │ off on │ median low high",
                "sync │ on │ 2000 2000 0 0.00 │ │ 0.900 0.900 0.900",
                "concrete │ on │ 3000 2500 −500 −16.67 │ 1.500 1.250 │ 0.900 0.900 0.900",
                "smol-work, panic abort, opt-level z",
                "timers │ on │ 10010 10100 +90 +0.90 0.10 │ 0.900 0.900 0.900",
            ],
        );
    }

    #[test]
    fn servers_have_costs_by_request_and_sizes() {
        has_lines(
            &report(),
            &[
                "server, panic unwind, opt-level z, by request",
                "│ │ instructions │ allocated │ time on/off",
                "mode │ variant │ off on Δ % ± │ off on % │ median low high",
                "kv │ on │ 1500 1451 −49 −3.30 │ 250 250 −0.20 │ 0.900 0.900 0.900",
                "size of │ variant │ off on Δ %",
                ".text │ on │ 5000 4800 −200 −4.00",
                "kv connection │ on │ 400 300 −100 −25.00",
            ],
        );
    }

    #[test]
    fn several_variants_have_a_line_each() {
        let mut report = report();
        report.variants.push(Variant { name: "InlineAwait".into(), rustflags: vec![] });
        for result in &mut report.results {
            let off = result.costs[0].clone();
            result.costs.push(off);
        }
        has_lines(
            &report,
            &[
                "concrete │ on │ 3000 2500 −500 −16.67 │ 1.500 1.250 │ 0.900 0.900 0.900",
                "│ InlineAwait │ 3000 3000 0 0.00 │ 1.500 1.500 │ 1.000 1.000 1.000",
            ],
        );
    }

    #[test]
    fn what_was_not_measured_has_no_column() {
        let mut report = report();
        report.results.remove(0);
        for cost in report.results.iter_mut().flat_map(|result| &mut result.costs) {
            cost.seconds.clear();
        }
        has_lines(
            &report,
            &["mode │ variant │ off on Δ % ±", "concrete │ on │ 3000 2500 −500 −16.67"],
        );
    }

    #[test]
    fn lines_are_not_too_long_for_a_terminal() {
        let text = render(&report());
        assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    }
}
