//! Reads what the pass says of each body.
//!
//! It goes over a body in rounds. In each it names the groups of blocks that suspend for awaits of
//! one type, then those that are merged, and the reasons why others are not.

use std::collections::{BTreeMap, BTreeSet};

/// What all lines of the pass have.
const MODULE: &str = "rustc_mir_transform::collapse_suspension_points";

/// What is said of points that the log has no reason for.
const NO_REASON: &str = "are left, and the log does not say why";

/// The counts of each crate.
#[derive(Debug, Default)]
pub struct Census {
    pub crates: BTreeMap<String, Counts>,
    /// Whether the pass said anything at all.
    pub has_log: bool,
    /// The bodies that were counted. A crate that is checked for two targets counts once.
    known: BTreeSet<String>,
}

/// What there is in bodies that await one type more than once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    pub bodies: usize,
    /// The suspension points without the first of each type.
    pub surplus: usize,
    /// How many of these are no suspension points any more.
    pub gone: usize,
    /// The others, by the reason why they are left apart.
    pub left: BTreeMap<String, usize>,
}

impl Counts {
    /// Adds what is in `other`.
    pub fn add(&mut self, other: &Counts) {
        self.bodies += other.bodies;
        self.surplus += other.surplus;
        self.gone += other.gone;
        for (reason, count) in &other.left {
            *self.left.entry(reason.clone()).or_default() += count;
        }
    }
}

/// What the pass says of a body in one round.
#[derive(Debug, Default)]
struct Round {
    surplus: usize,
    /// The groups that are merged, by the names of their blocks.
    merged: Vec<Vec<String>>,
    /// The last reason against each block.
    reasons: BTreeMap<String, String>,
}

/// Whether the line is one of the pass.
pub fn is_log(line: &str) -> bool {
    line.contains(MODULE)
}

impl Census {
    /// Counts what is in the log.
    pub fn read(&mut self, log: &str) {
        let mut bodies = BTreeMap::<_, Vec<Round>>::new();
        let mut body = None;
        for line in log.lines().filter(|line| is_log(line)) {
            self.has_log = true;
            if let Some(name) = text_between(line, "::run_pass def_id=DefId(", ")") {
                body = name.split_once(" ~ ").map(|(_, path)| path.to_owned());
                continue;
            }
            let Some(body) = &body else { continue };
            if line.contains("await the same types") {
                let groups = text_between(line, "groups=[", "]]").unwrap_or_default();
                let sizes = groups.split(']').map(|group| names(group).len());
                let surplus = sizes.map(|size| size.saturating_sub(1)).sum();
                let round = Round { surplus, ..Round::default() };
                bodies.entry(body.clone()).or_default().push(round);
                continue;
            }
            let Some(round) = bodies.get_mut(body).and_then(|rounds| rounds.last_mut()) else {
                continue;
            };
            let members = text_between(line, "members=[", "]").map(names).unwrap_or_default();
            let other = text_between(line, "other=", ",").map(str::to_owned);
            if line.contains("are merged") {
                round.merged.push(members);
            } else if let Some(reason) = text_between(line, "reason=\"", "\"") {
                // Of those that go together only in pairs, the first is kept in any case.
                let blocks = members.into_iter().skip(1).chain(other);
                round.reasons.extend(blocks.map(|block| (block, reason.to_owned())));
            }
        }
        for (body, rounds) in bodies {
            // The number behind a crate's name is another one for another target.
            let Some((name, path)) = body.split_once('[') else { continue };
            let path = path.split_once(']').map_or(path, |(_, path)| path);
            if self.known.insert(format!("{name}{path}")) {
                self.crates.entry(name.to_owned()).or_default().add(&counts(&rounds));
            }
        }
    }
}

/// The counts of one body.
fn counts(rounds: &[Round]) -> Counts {
    let (Some(first), Some(last)) = (rounds.first(), rounds.last()) else {
        return Counts::default();
    };
    let merged: usize = last.merged.iter().map(|group| group.len().saturating_sub(1)).sum();
    let mut left_apart = last.surplus.saturating_sub(merged);
    let mut counts = Counts {
        bodies: 1,
        surplus: first.surplus,
        gone: first.surplus.saturating_sub(left_apart),
        left: BTreeMap::new(),
    };
    for (block, reason) in &last.reasons {
        if left_apart > 0 && !last.merged.iter().flatten().any(|merged| merged == block) {
            *counts.left.entry(reason.clone()).or_default() += 1;
            left_apart -= 1;
        }
    }
    if left_apart > 0 {
        counts.left.insert(NO_REASON.to_owned(), left_apart);
    }
    counts
}

/// The names of blocks in the text.
fn names(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| word.starts_with("bb")).map(str::to_owned).collect()
}

/// What stands between the two texts where they first come.
fn text_between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log; `@` stands for [`MODULE`].
    const LOG: &str = r#"
warning: something else
 @::run_pass def_id=DefId(0:7 ~ app[1f]::a::{closure#0})
   0ms @ await the same types, round=0, groups=[[bb1, bb2, bb3], [bb8, bb9]]
   0ms @ are merged, members=[bb1, bb2], plan=Common { count: 2, tuples: {bb1: [bb1, bb2]} }
   0ms @ are not merged, leader=bb1, other=bb3, reason="hold different locals"
   0ms @ is left for the next round
   0ms @ await the same types, round=1, groups=[[bb1, bb3], [bb8, bb9]]
   0ms @ are not merged, leader=bb1, other=bb3, reason="hold different locals"
   0ms @ are merged, members=[bb8, bb9], plan=Common { count: 2 }
 @::run_pass def_id=DefId(0:9 ~ app[1f]::b::{closure#0})
 @::run_pass def_id=DefId(0:3 ~ bus[2e]::c::{closure#0})
   0ms @ await the same types, round=0, groups=[[bb4, bb5, bb6, bb7]]
   0ms @ are not merged, members=[bb4, bb5, bb6], reason="cost more together than apart"
   0ms @ are merged, members=[bb4, bb5], plan=Common { count: 2 }
"#;

    fn log() -> String {
        LOG.replace('@', MODULE)
    }

    #[test]
    fn points_are_counted_by_crate_over_all_rounds() {
        let mut census = Census::default();
        census.read(&log());
        assert!(census.has_log);
        let app = Counts {
            bodies: 1,
            surplus: 3,
            gone: 2,
            left: BTreeMap::from([("hold different locals".to_owned(), 1)]),
        };
        let bus = Counts {
            bodies: 1,
            surplus: 3,
            gone: 1,
            left: BTreeMap::from([
                ("cost more together than apart".to_owned(), 1),
                (NO_REASON.to_owned(), 1),
            ]),
        };
        let expected = BTreeMap::from([("app".to_owned(), app), ("bus".to_owned(), bus)]);
        assert_eq!(census.crates, expected);
    }

    #[test]
    fn a_body_counts_once() {
        let mut census = Census::default();
        census.read(&log());
        let once = census.crates.clone();
        census.read(&log().replace("1f", "f1"));
        assert_eq!(census.crates, once);
    }

    #[test]
    fn what_others_say_is_no_log() {
        let mut census = Census::default();
        census.read("warning: await the same types, groups=[[bb1, bb2]]");
        assert!(!census.has_log && census.crates.is_empty());
    }
}
