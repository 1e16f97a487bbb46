//! Reads what the pass says of each body.
//!
//! It goes over a body in rounds. In each it names the groups of blocks that suspend for awaits of
//! one type, then those that are merged, and the reasons why others are not.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// Whose lines are read, and those of the modules in it.
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

/// A line of the log, as `RUSTC_LOG_FORMAT_JSON` has it.
#[derive(Deserialize)]
struct Event {
    target: String,
    fields: Fields,
    span: Option<Span>,
}

#[derive(Deserialize)]
struct Fields {
    message: String,
    groups: Option<String>,
    members: Option<String>,
    other: Option<String>,
    reason: Option<String>,
}

/// The run of the pass on a body.
#[derive(Deserialize)]
struct Span {
    def_id: String,
}

/// What the pass says in the line, if it does.
fn event(line: &str) -> Option<Event> {
    let event: Event = serde_json::from_str(line).ok()?;
    let inner = event.target.strip_prefix(MODULE)?;
    (inner.is_empty() || inner.starts_with("::")).then_some(event)
}

/// Whether the line is one of the pass.
pub fn is_log(line: &str) -> bool {
    event(line).is_some()
}

impl Census {
    /// Counts what is in the log.
    pub fn read(&mut self, log: &str) {
        let mut bodies = BTreeMap::<_, Vec<Round>>::new();
        for Event { fields, span, .. } in log.lines().filter_map(event) {
            self.has_log = true;
            let Some((_, body)) = span.as_ref().and_then(|span| span.def_id.split_once(" ~ "))
            else {
                continue;
            };
            if let Some(groups) = fields.groups {
                let sizes = groups.split(']').map(|group| names(group).len());
                let surplus = sizes.map(|size| size.saturating_sub(1)).sum();
                let round = Round { surplus, ..Round::default() };
                bodies.entry(body.to_owned()).or_default().push(round);
                continue;
            }
            let Some(round) = bodies.get_mut(body).and_then(|rounds| rounds.last_mut()) else {
                continue;
            };
            let members = fields.members.as_deref().map(names).unwrap_or_default();
            if fields.message == "are merged" {
                round.merged.push(members);
            } else if let Some(reason) = fields.reason {
                // They were to be merged, until it was tried.
                round.merged.retain(|merged| *merged != members);
                // Of those that go together only in pairs, the first is kept in any case.
                let blocks = members.into_iter().skip(1).chain(fields.other);
                round.reasons.extend(blocks.map(|block| (block, reason.clone())));
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A line of the pass on `body` of a crate with this name and number.
    fn line(body: &str, fields: Value) -> String {
        let span = json!({"name": "run_pass", "def_id": format!("DefId(0:7 ~ {body})")});
        let module = if fields["groups"].is_null() { "::plan" } else { "" };
        let target = format!("{MODULE}{module}");
        json!({"level": "DEBUG", "target": target, "fields": fields, "span": span}).to_string()
    }

    /// A log of two crates, which have this number behind their names.
    fn log(number: &str) -> String {
        let (a, b) = (format!("app[{number}]::a"), format!("app[{number}]::b"));
        let c = format!("bus[{number}]::c");
        let same = "await the same types";
        let merged = "are merged";
        let not = "are not merged";
        let reason = "hold different locals";
        let lines = [
            "warning: something else".to_owned(),
            line(&a, json!({"message": "enter"})),
            line(&a, json!({"message": same, "groups": "[[bb1, bb2, bb3], [bb8, bb9]]"})),
            line(&a, json!({"message": merged, "members": "[bb1, bb2]", "plan": "{ [bb1] }"})),
            line(&a, json!({"message": not, "leader": "bb1", "other": "bb3", "reason": reason})),
            line(&a, json!({"message": "is left for the next round"})),
            line(&a, json!({"message": same, "groups": "[[bb1, bb3], [bb8, bb9]]"})),
            line(&a, json!({"message": not, "leader": "bb1", "other": "bb3", "reason": reason})),
            line(&a, json!({"message": merged, "members": "[bb8, bb9]"})),
            line(&b, json!({"message": same, "groups": "[[bb1, bb2], [bb5, bb6, bb7]]"})),
            line(&b, json!({"message": merged, "members": "[bb1, bb2]"})),
            line(&b, json!({"message": merged, "members": "[bb5, bb6, bb7]"})),
            line(&b, json!({"message": not, "members": "[bb5, bb6, bb7]", "reason": "hold more"})),
            line(&c, json!({"message": same, "groups": "[[bb4, bb5, bb6, bb7]]"})),
            line(&c, json!({"message": not, "members": "[bb4, bb5, bb6]", "reason": "cost more"})),
            line(&c, json!({"message": merged, "members": "[bb4, bb5]"})),
        ];
        lines.join("\n")
    }

    #[test]
    fn points_are_counted_by_crate_over_all_rounds() {
        let mut census = Census::default();
        census.read(&log("1f"));
        assert!(census.has_log);
        let app = Counts {
            bodies: 2,
            surplus: 6,
            gone: 3,
            left: BTreeMap::from([
                ("hold different locals".to_owned(), 1),
                ("hold more".to_owned(), 2),
            ]),
        };
        let bus = Counts {
            bodies: 1,
            surplus: 3,
            gone: 1,
            left: BTreeMap::from([("cost more".to_owned(), 1), (NO_REASON.to_owned(), 1)]),
        };
        let expected = BTreeMap::from([("app".to_owned(), app), ("bus".to_owned(), bus)]);
        assert_eq!(census.crates, expected);
    }

    #[test]
    fn a_body_counts_once() {
        let mut census = Census::default();
        census.read(&log("1f"));
        let once = census.crates.clone();
        census.read(&log("f1"));
        assert_eq!(census.crates, once);
    }

    #[test]
    fn what_others_say_is_no_log() {
        let mut census = Census::default();
        let groups = json!({"message": "await the same types", "groups": "[[bb1, bb2]]"});
        let line = line("app[1f]::a", groups);
        for other in ["another_module".to_owned(), format!("{MODULE}_too")] {
            census.read(&line.replace(MODULE, &other));
            assert!(!census.has_log && census.crates.is_empty());
        }
    }
}
