//! The reports for people and for programs.
//!
//! The latter is one object, with times in milliseconds:
//!
//! ```text
//! {
//!   "compiler": "rustc 1.96.0-dev",       the first line of `rustc -vV`
//!   "flags": { "off": ["-Z…"], "on": ["-Z…"] },
//!   "levels": [
//!     {
//!       "level": "z",
//!       "processor": { "off": [140100.5], "on": [139200.0] },     round by round
//!       "activities": [
//!         { "activity": "LLVM_passes", "off": 6825.6, "on": 6376.6 }     means
//!       ]
//!     }
//!   ]
//! }
//! ```

use std::collections::BTreeSet;
use std::time::Duration;

use measure::amount;
use measure::json::{self, Ordered};
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;
use measure::table::{Grid, SUM};
use serde::Serialize;

use super::{Cost, Costs};

/// The table has an activity that changes the sum by at least one part in so many, or that there is
/// only with the passes on, for a millisecond.
const SMALLEST: u32 = 5000;

/// What the numbers of the first table mean.
const ACTIVITIES: &str = "
Mean time that the compiler spent in each activity and in none that it began; the change in percent
of the sum. What waits for another thread counts, too.
";

/// What the numbers of the second table mean.
const PROCESSOR: &str = "
Processor time of a build, with cargo and build scripts.
";

#[derive(Serialize)]
struct Results<'a> {
    levels: Vec<Level<'a>>,
}

#[derive(Serialize)]
struct Level<'a> {
    level: &'static str,
    processor: Ordered<'a, Vec<f64>>,
    activities: Vec<Activity<'a>>,
}

#[derive(Serialize)]
struct Activity<'a> {
    activity: &'a str,
    #[serde(flatten)]
    means: Ordered<'a, f64>,
}

/// The costs as JSON; the `variants` are that with the passes off, and the one with some on.
pub fn json(
    compiler: &str,
    variants: &[Variant; 2],
    by_level: &[(OptLevel, Costs)],
) -> serde_json::Result<String> {
    let levels = by_level.iter().map(|(level, costs)| {
        let processor =
            |rounds: &Vec<Cost>| rounds.iter().map(|cost| milliseconds(cost.processor)).collect();
        Level {
            level: level.name(),
            processor: by_name(variants, costs.each_ref().map(processor)),
            activities: activities(costs)
                .into_iter()
                .map(|(activity, means)| Activity {
                    activity,
                    means: by_name(variants, means.map(milliseconds)),
                })
                .collect(),
        }
    });
    json::render(compiler, variants, Results { levels: levels.collect() })
}

fn by_name<T>(variants: &[Variant; 2], values: [T; 2]) -> Ordered<'_, T> {
    Ordered(variants.iter().map(|variant| variant.name.as_str()).zip(values).collect())
}

/// Two tables for each level: the activities that take another time with the passes on, those
/// first that take more; and the processor time of the builds.
pub fn table(
    compiler: &str,
    panic: PanicStrategy,
    variants: &[Variant; 2],
    by_level: &[(OptLevel, Costs)],
) -> String {
    let mut text = format!("{compiler}\n");
    for variant in variants {
        text += &format!("{}: {}\n", variant.name, variant.rustflags.join(" "));
    }
    for (level, costs) in by_level {
        let rounds = costs[0].len();
        let plural = if rounds == 1 { "" } else { "s" };
        text += &format!("\nopt-level {level}, panic {panic}, {rounds} round{plural}\n");
        text += &activities_table(variants, costs);
        text += ACTIVITIES;
        text += "\n";
        text += &processor_table(variants, costs);
        text += PROCESSOR;
    }
    text
}

fn activities_table(variants: &[Variant; 2], costs: &Costs) -> String {
    let all = activities(costs);
    let sum = sum_of(&all);
    let (mut shown, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, [off, on])| {
        (off.is_zero() && whole_milliseconds(*on) > 0) || off.abs_diff(*on) * SMALLEST >= sum[0]
    });
    shown.sort_by(|(_, [off, on]), (_, [other_off, other_on])| {
        // The order of on − off, without negative numbers.
        (*other_on + *off).cmp(&(*on + *other_off))
    });
    shown.push(("others", sum_of(&others)));
    shown.push((SUM, sum));

    let columns = ["off", &variants[1].name, "Δ", "%"];
    let mut grid = Grid::new(&[("", &["activity"]), ("milliseconds", &columns)]);
    let whole = whole_milliseconds(sum[0]);
    for (activity, means) in shown {
        let [off, on] = means.map(whole_milliseconds);
        let change = amount::change(off, on);
        // What the sum changes by if only this does.
        let percent = amount::percent(whole, whole + on - off);
        grid.add(vec![
            vec![activity.to_owned()],
            vec![off.to_string(), on.to_string(), change, percent],
        ]);
    }
    grid.render()
}

fn processor_table(variants: &[Variant; 2], costs: &Costs) -> String {
    let columns = ["mean", "least", "most", "%"];
    let mut grid = Grid::new(&[("", &["passes"]), ("seconds", &columns)]);
    let means = costs.each_ref().map(|rounds| mean(rounds.iter().map(|cost| cost.processor)));
    let [off, _] = means.map(whole_milliseconds);
    for ((variant, rounds), mean) in variants.iter().zip(costs).zip(means) {
        let times = || rounds.iter().map(|cost| cost.processor);
        let on = whole_milliseconds(mean);
        let seconds = |time: Duration| format!("{:.1}", time.as_secs_f64());
        let [least, most] =
            [times().min(), times().max()].map(|time| seconds(time.unwrap_or(mean)));
        grid.add(vec![
            vec![variant.name.clone()],
            vec![seconds(mean), least, most, amount::percent(off, on)],
        ]);
    }
    grid.render()
}

/// All activities by their names, and the mean time of each, with the passes off and on.
fn activities(costs: &Costs) -> Vec<(&str, [Duration; 2])> {
    let names: BTreeSet<_> = costs
        .iter()
        .flatten()
        .flat_map(|cost| cost.activities.keys().map(String::as_str))
        .collect();
    let time = |cost: &Cost, name| cost.activities.get(name).copied().unwrap_or_default();
    let mean_of = |name, rounds: &Vec<Cost>| mean(rounds.iter().map(|cost| time(cost, name)));
    names
        .into_iter()
        .map(|name| (name, costs.each_ref().map(|rounds| mean_of(name, rounds))))
        .collect()
}

fn sum_of(activities: &[(&str, [Duration; 2])]) -> [Duration; 2] {
    [0, 1].map(|index| activities.iter().map(|(_, means)| means[index]).sum())
}

/// The mean of `times`; nothing if there are none.
fn mean(times: impl ExactSizeIterator<Item = Duration>) -> Duration {
    let count = u32::try_from(times.len()).unwrap_or(u32::MAX);
    times.sum::<Duration>().checked_div(count).unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn whole_milliseconds(time: Duration) -> u64 {
    milliseconds(time).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rounds with the passes off and on.
    fn measured() -> Vec<(OptLevel, Costs)> {
        let cost = |processor, activities: &[(&str, u64)]| Cost {
            processor: Duration::from_millis(processor),
            activities: activities
                .iter()
                .map(|&(name, time)| (name.to_owned(), Duration::from_millis(time)))
                .collect(),
        };
        let off = [6990, 7010]
            .map(|time| cost(time, &[("LLVM_passes", 5000), ("link", 10), ("typeck_root", 2500)]));
        let on = [("LLVM_passes", 4000), ("link", 10), ("mir_pass_inline_await", 1)];
        let on = [2600, 2400].map(|time| cost(6650, &[&on[..], &[("typeck_root", time)]].concat()));
        vec![(OptLevel::Z, [off.to_vec(), on.to_vec()])]
    }

    #[test]
    fn the_table_has_what_changes_and_what_is_new() {
        let expected = "\
rustc 1
off: -Zasync-returned-panic=yes
on: -Zasync-returned-panic=no

opt-level z, panic abort, 2 rounds
                      │      milliseconds
activity              │  off   on     Δ      %
──────────────────────┼───────────────────────
mir_pass_inline_await │    0    1    +1  +0.01
LLVM_passes           │ 5000 4000 −1000 −13.32
others                │ 2510 2510     0   0.00
──────────────────────┼───────────────────────
sum                   │ 7510 6511  −999 −13.30

Mean time that the compiler spent in each activity and in none that it began; the change in percent
of the sum. What waits for another thread counts, too.

       │        seconds
passes │ mean least most     %
───────┼──────────────────────
off    │  7.0   7.0  7.0  0.00
on     │  6.7   6.7  6.7 −5.00

Processor time of a build, with cargo and build scripts.
";
        let variants = [Variant::off(), Variant::on()];
        let text = table("rustc 1", PanicStrategy::Abort, &variants, &measured());
        assert_eq!(text, expected);
    }

    #[test]
    fn the_object_is_as_documented() {
        let text = json("rustc 1", &[Variant::off(), Variant::on()], &measured()).unwrap();
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        let level = &object["levels"][0];
        assert_eq!(level["processor"]["off"], serde_json::json!([6990.0, 7010.0]));
        assert_eq!(level["activities"][0]["activity"], "LLVM_passes");
        assert_eq!(level["activities"][0]["on"], 4000.0);
        assert_eq!(level["activities"][2]["off"], 0.0);
    }
}
