//! The builds that every program has to behave the same in.
//!
//! Each is a set of passes, an opt-level and a panic strategy. All passes together, each alone and
//! each pair are built. Most passes do nothing at opt-level 0, so there many of these sets come to
//! the same, and are built only once; a set that comes to no pass at all is what the oracle has.

use std::fmt;

use measure::arguments::unique;
use measure::opt_level::OptLevel;
use measure::passes::{PASSES, Pass, Variant};

/// What a panic does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Panics {
    /// It unwinds.
    Unwind,
    /// It aborts.
    Abort,
}

impl Panics {
    /// The strategy as `-C panic` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Panics::Unwind => "unwind",
            Panics::Abort => "abort",
        }
    }
}

/// A way to build programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// The passes.
    pub variant: Variant,
    /// The passes of the crate with the functions that are auxiliary, if they have one.
    pub auxiliary: Option<Variant>,
    pub level: OptLevel,
    pub panics: Panics,
    /// Whether a poll of a future with nothing left to do has to be `Pending`.
    pub answers_pending: bool,
    /// Whether the compiler checks its MIR. That takes time, and levels 2 and 3 have the same MIR.
    pub is_checked: bool,
}

impl Configuration {
    /// The build that all others are compared with.
    pub fn oracle() -> Self {
        Configuration {
            variant: Variant::off(),
            auxiliary: None,
            level: OptLevel::O0,
            panics: Panics::Unwind,
            answers_pending: false,
            is_checked: true,
        }
    }

    /// The same without the passes.
    pub fn without_passes(&self) -> Self {
        let auxiliary = self.auxiliary.as_ref().map(|_| Variant::off());
        Configuration { variant: Variant::off(), auxiliary, answers_pending: false, ..self.clone() }
    }
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.variant.name)?;
        if let Some(auxiliary) = &self.auxiliary {
            write!(f, " with {}", auxiliary.name)?;
        }
        write!(f, ", opt-level {}, {}", self.level, self.panics.name())
    }
}

/// The pass that has a poll with nothing left to do answer `Pending`.
const RETURNED_PENDING: &str = "ReturnedPending";

/// The levels of the matrix.
pub const LEVELS: [OptLevel; 4] = [OptLevel::O0, OptLevel::O2, OptLevel::O3, OptLevel::Z];

/// All builds with passes of `chosen`, at `levels`; `known` are those that the compiler has.
pub fn matrix(
    chosen: &[&'static str],
    known: &[&'static str],
    levels: &[OptLevel],
) -> Vec<Configuration> {
    let mut configurations = Vec::new();
    for &level in levels {
        let is_checked = level != OptLevel::O3 || !levels.contains(&OptLevel::O2);
        for panics in [Panics::Unwind, Panics::Abort] {
            configurations.extend(sets(chosen, level).into_iter().map(|set| Configuration {
                variant: variant(&set, known, level),
                auxiliary: None,
                level,
                panics,
                answers_pending: set.contains(&RETURNED_PENDING),
                is_checked,
            }));
        }
    }
    // What is in one crate may be inlined in the other, which may have different settings.
    let level = levels.iter().copied().find(|&level| level != OptLevel::O0);
    if let (Some(level), false) = (level, chosen.is_empty()) {
        let on = variant(chosen, known, level);
        let off = Variant::off;
        let of_both = [(on.clone(), on.clone()), (on.clone(), off()), (off(), on)];
        for (index, (variant, auxiliary)) in of_both.into_iter().enumerate() {
            configurations.push(Configuration {
                variant,
                auxiliary: Some(auxiliary),
                level,
                panics: Panics::Unwind,
                answers_pending: index == 0 && chosen.contains(&RETURNED_PENDING),
                is_checked: true,
            });
        }
    }
    configurations
}

/// How many turns it takes to make all builds, if only a share is made in each.
const TURNS: usize = 6;

/// The builds for one turn: those of two crates and those with as many passes as any at the level,
/// and of the others a share, so that every program has them all after a few turns.
pub fn share(matrix: &[Configuration], turn: usize) -> Vec<Configuration> {
    let mut others = 0;
    let mut is_due = |configuration: &Configuration| {
        let is_first = matrix.iter().find(|other| other.level == configuration.level);
        if configuration.auxiliary.is_some()
            || is_first.is_some_and(|first| first.variant == configuration.variant)
        {
            return true;
        }
        others += 1;
        (others + turn).is_multiple_of(TURNS)
    };
    matrix.iter().filter(|configuration| is_due(configuration)).cloned().collect()
}

/// The sets of passes that do something at the level, and each something else.
fn sets(chosen: &[&'static str], level: OptLevel) -> Vec<Vec<&'static str>> {
    let runs = |pass: &&Pass| level != OptLevel::O0 || !pass.optimizes;
    let effective: Vec<_> = PASSES
        .iter()
        .filter(|pass| chosen.contains(&pass.name))
        .filter(runs)
        .map(|pass| pass.name)
        .collect();
    let mut sets = Vec::new();
    if !effective.is_empty() {
        sets.push(effective.clone());
    }
    for (index, &pass) in effective.iter().enumerate() {
        sets.push(vec![pass]);
        sets.extend(effective[index + 1..].iter().map(|&other| vec![pass, other]));
    }
    unique(sets)
}

/// The variant with the passes of `set`, under the name `on` if these are all that do something.
fn variant(set: &[&'static str], known: &[&'static str], level: OptLevel) -> Variant {
    let missing = PASSES.iter().any(|pass| {
        known.contains(&pass.name)
            && !set.contains(&pass.name)
            && (level != OptLevel::O0 || !pass.optimizes)
    });
    if missing { Variant::only(set, known) } else { Variant::on() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(configurations: &[Configuration]) -> Vec<String> {
        configurations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sets_that_come_to_the_same_are_built_once() {
        let two = ["ReturnedPending", "ElideNoAwait"];
        let all = matrix(&two, &two, &[OptLevel::O0]);
        assert_eq!(names(&all), ["on, opt-level 0, unwind", "on, opt-level 0, abort"]);
        let all = matrix(&two, &two, &[OptLevel::Z]);
        assert_eq!(
            names(&all[..3]),
            [
                "on, opt-level z, unwind",
                "ReturnedPending, opt-level z, unwind",
                "ElideNoAwait, opt-level z, unwind"
            ]
        );
        assert_eq!(all.len(), 9);
    }

    #[test]
    fn all_four_passes_make_eleven_sets() {
        let four = PASSES.map(|pass| pass.name);
        assert_eq!(sets(&four, OptLevel::O3).len(), 1 + 4 + 6);
        assert_eq!(sets(&four, OptLevel::O0).len(), 1);
        assert_eq!(matrix(&four, &four, &LEVELS).len(), 3 * 2 * 11 + 2 + 3);
    }

    #[test]
    fn a_pass_that_is_not_chosen_is_switched_off() {
        let known = ["ReturnedPending", "ElideNoAwait"];
        let all = matrix(&known[..1], &known, &[OptLevel::O2]);
        assert!(all[0].variant.rustflags.contains(&"-Zmir-enable-passes=-ElideNoAwait".into()));
        assert_eq!(all[0].variant.name, "ReturnedPending");
        assert!(matrix(&known[1..], &known, &[OptLevel::O0]).is_empty());
    }

    #[test]
    fn in_turns_every_build_is_made() {
        let four = PASSES.map(|pass| pass.name);
        let all = matrix(&four, &four, &LEVELS);
        let turns: Vec<_> = (0..TURNS).map(|turn| share(&all, turn)).collect();
        assert!(all.iter().all(|build| turns.iter().any(|share| share.contains(build))));
        assert!(turns.iter().all(|share| share.len() <= 8 + 3 + 10), "{turns:#?}");
    }

    #[test]
    fn two_crates_may_have_different_settings() {
        let known = ["ReturnedPending"];
        let all = names(&matrix(&known, &known, &[OptLevel::O0, OptLevel::O3]));
        let last = &all[all.len() - 3..];
        assert!(last[0].starts_with("on with on, opt-level 3"), "{last:?}");
        assert!(last[1].contains("with off, opt-level 3"), "{last:?}");
        assert!(last[2].starts_with("off with "), "{last:?}");
    }
}
