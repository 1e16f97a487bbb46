//! The builds that every program has to behave the same in.
//!
//! Each is a set of passes, an opt-level and a panic strategy. All passes together, each alone and
//! each pair are built. Sets that come to the same are built once: most passes do nothing at
//! opt-level 0, unless they are asked for at all levels, as all together are. A set that comes to
//! no pass at all is what the oracle has.
//!
//! That makes more builds than a program has time for, so each sees a [share](share) of them.

use std::fmt;

use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::{PASSES, Pass, Variant};

/// The panic strategies of the matrix.
const PANICS: [PanicStrategy; 2] = [PanicStrategy::Unwind, PanicStrategy::Abort];

/// A way to build programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// The passes.
    pub variant: Variant,
    /// The passes of the crate with the functions that are auxiliary, if they have one.
    pub auxiliary: Option<Variant>,
    pub level: OptLevel,
    pub panics: PanicStrategy,
    /// Whether a poll of a future with nothing left to do has to be `Pending`.
    pub answers_pending: bool,
    /// Whether the compiler checks its MIR. That takes time, and levels 2 and 3 have the same MIR.
    pub is_checked: bool,
    /// Whether the compiler tells its warnings and the sizes of futures, with all passes and with
    /// none.
    pub tells: bool,
    /// Whether memcheck runs some of the programs. The others are not built if LLVM does not
    /// optimize either.
    pub memcheck: Memcheck,
    /// The number of its level and panic strategy. Builds with all passes, and those with none that
    /// they are compared with, are made in turns, too, if not every program sees them all.
    pub place: usize,
    pub part: Part,
}

/// Whether a build is one for memcheck.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Memcheck {
    No,
    Yes,
    /// It is, and LLVM's passes do not run. They may leave nothing of a read that has no value to
    /// read; the MIR is as optimized as it is otherwise.
    WithoutLlvm,
}

/// What a build is in the matrix, with a number for all but those that every program sees at its
/// places. Builds of a part with numbers that follow each other are made in turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// All passes.
    All,
    /// All passes, once more for memcheck.
    Memcheck,
    /// No pass.
    Off,
    /// One pass.
    Alone(usize),
    /// Two passes.
    Pair(usize),
    /// Two crates, with the passes on in one of them or both.
    TwoCrates(usize),
}

impl Configuration {
    /// The build that all others are compared with.
    pub fn oracle() -> Self {
        Configuration {
            variant: Variant::off(),
            auxiliary: None,
            level: OptLevel::O0,
            panics: PanicStrategy::Unwind,
            answers_pending: false,
            is_checked: true,
            tells: true,
            memcheck: Memcheck::No,
            place: 0,
            part: Part::Off,
        }
    }

    /// The same without the passes.
    pub fn without_passes(&self) -> Self {
        let auxiliary = self.auxiliary.as_ref().map(|_| Variant::off());
        let (variant, part) = (Variant::off(), Part::Off);
        Configuration { variant, auxiliary, answers_pending: false, part, ..self.clone() }
    }

    /// Whether this is the build without passes that `other` is compared with for what the compiler
    /// tells.
    pub fn is_base_of(&self, other: &Configuration) -> bool {
        let of = |it: &Configuration| (it.tells, it.level, it.panics, it.auxiliary.is_some());
        self.part == Part::Off && other.part != Part::Off && of(self) == of(other) && self.tells
    }
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.variant.name)?;
        if let Some(auxiliary) = &self.auxiliary {
            write!(f, " with {}", auxiliary.name)?;
        }
        write!(f, ", opt-level {}, {}", self.level, self.panics.name())?;
        match self.memcheck {
            Memcheck::WithoutLlvm => write!(f, ", without LLVM's passes"),
            Memcheck::No | Memcheck::Yes => Ok(()),
        }
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
    let places = levels.iter().flat_map(|&level| PANICS.map(|panics| (level, panics)));
    for (number, (level, panics)) in places.enumerate() {
        // Two places of a level never have the same turn, nor have all places with one strategy.
        let place = number / PANICS.len() + number % PANICS.len();
        let Some(all) = effective(chosen, level) else { continue };
        let all_pending = all.contains(&RETURNED_PENDING);
        let on = || variant(&all, known, level);
        let build = |variant, part| Configuration {
            variant,
            auxiliary: None,
            level,
            panics,
            answers_pending: false,
            is_checked: level != OptLevel::O3 || !levels.contains(&OptLevel::O2),
            tells: false,
            memcheck: Memcheck::No,
            place,
            part,
        };
        let off =
            Configuration { is_checked: false, tells: true, ..build(Variant::off(), Part::Off) };
        if (level, panics) != (OptLevel::O0, PanicStrategy::Unwind) {
            configurations.push(off);
        }
        let is_first = |configurations: &[Configuration]| {
            configurations.iter().all(|other| other.memcheck == Memcheck::No)
        };
        let memcheck = match panics {
            PanicStrategy::Unwind if is_first(&configurations) => Memcheck::Yes,
            _ => Memcheck::No,
        };
        configurations.push(Configuration {
            answers_pending: all_pending,
            tells: true,
            memcheck,
            ..build(on(), Part::All)
        });
        let is_last = level != OptLevel::O0 && levels.last() == Some(&level);
        if is_last && panics == PanicStrategy::Unwind {
            configurations.push(Configuration {
                answers_pending: all_pending,
                memcheck: Memcheck::WithoutLlvm,
                ..build(on(), Part::Memcheck)
            });
        }
        // Passes that do nothing without optimization may be asked for all the same.
        let optimized = effective(chosen, OptLevel::O2).filter(|optimized| *optimized != all);
        if let Some(optimized) = optimized {
            let variant = variant(&optimized, known, OptLevel::O2).at_all_levels();
            configurations.push(Configuration {
                answers_pending: all_pending,
                tells: true,
                ..build(variant, Part::All)
            });
        }
        let [alone, pairs] = sets(&all);
        let numbered = |sets: Vec<Vec<&'static str>>, part: fn(usize) -> Part| {
            sets.into_iter().enumerate().map(move |(of_set, set)| (set, part(of_set + number)))
        };
        for (set, part) in numbered(alone, Part::Alone).chain(numbered(pairs, Part::Pair)) {
            configurations.push(Configuration {
                answers_pending: set.contains(&RETURNED_PENDING),
                ..build(variant(&set, known, level), part)
            });
        }
        // What is in one crate may be inlined in the other, which may have different settings.
        let of_both = [(on(), on()), (on(), Variant::off()), (Variant::off(), on())];
        for (mix, (variant, auxiliary)) in of_both.into_iter().enumerate() {
            configurations.push(Configuration {
                auxiliary: Some(auxiliary),
                answers_pending: mix == 0 && all_pending,
                // At each turn the mixes are at different places.
                ..build(variant, Part::TwoCrates(number + MIX_STEP * mix))
            });
        }
    }
    configurations
}

/// How far two mixes of two crates are apart, in places.
const MIX_STEP: usize = 3;

/// How many turns it takes to make all builds of a part.
#[derive(Clone, Copy, Debug)]
pub struct Turns {
    places: usize,
    alone: usize,
    pairs: usize,
    two_crates: usize,
}

impl Turns {
    /// What each program sees of the whole matrix.
    pub const WHOLE: Turns = Turns { places: 1, alone: 3, pairs: 14, two_crates: 8 };
    /// What it sees of it with `--thin`: every level, but each with one of the panic strategies.
    pub const THIN: Turns = Turns { places: 2, alone: 14, pairs: 70, two_crates: 16 };
}

/// The builds for one turn: those with all passes and those with none, and of the others a share,
/// so that they all are made after a few turns.
pub fn share(matrix: &[Configuration], turns: Turns, turn: u64) -> Vec<Configuration> {
    let is_due = |number: usize, turns: usize| (number as u64 + turn).is_multiple_of(turns as u64);
    let is_in = |configuration: &&Configuration| match configuration.part {
        Part::Memcheck => true,
        Part::All | Part::Off => is_due(configuration.place, turns.places),
        Part::Alone(number) => is_due(number, turns.alone),
        Part::Pair(number) => is_due(number, turns.pairs),
        Part::TwoCrates(number) => is_due(number, turns.two_crates),
    };
    matrix.iter().filter(is_in).cloned().collect()
}

/// The passes of `chosen` that do something at the level, if there are any.
fn effective(chosen: &[&'static str], level: OptLevel) -> Option<Vec<&'static str>> {
    let runs = |pass: &&Pass| level != OptLevel::O0 || !pass.optimizes;
    let effective: Vec<_> = PASSES
        .iter()
        .filter(|pass| chosen.contains(&pass.name))
        .filter(runs)
        .map(|pass| pass.name)
        .collect();
    (!effective.is_empty()).then_some(effective)
}

/// The sets of one of the passes `all` and of two, but for the one that is all.
fn sets(all: &[&'static str]) -> [Vec<Vec<&'static str>>; 2] {
    let alone = all.iter().map(|&pass| vec![pass]);
    let pairs = all
        .iter()
        .enumerate()
        .flat_map(|(index, &pass)| all[index + 1..].iter().map(move |&other| vec![pass, other]));
    [alone.filter(|set| *set != all).collect(), pairs.filter(|set| *set != all).collect()]
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

    /// How many builds there are with both panic strategies, in one crate, if there are so many
    /// sets of passes. One more has none.
    fn count(matrix: &[Configuration]) -> usize {
        let has_one_of = |it: &&Configuration| {
            it.auxiliary.is_none() && ![Part::Off, Part::Memcheck].contains(&it.part)
        };
        matrix.iter().filter(has_one_of).count()
    }

    fn all_passes() -> [&'static str; 9] {
        PASSES.map(|pass| pass.name)
    }

    #[test]
    fn sets_that_come_to_the_same_are_built_once() {
        let two = ["ReturnedPending", "ElideNoAwait"];
        let all = matrix(&two, &two, &[OptLevel::O0]);
        assert_eq!(count(&all), 2 * 2);
        assert_eq!(names(&all)[0], "on, opt-level 0, unwind");
        assert_eq!(names(&all)[1], "on at all levels, opt-level 0, unwind");
        let all = matrix(&two, &two, &[OptLevel::Z]);
        assert_eq!(
            names(&all[..5]),
            [
                "off, opt-level z, unwind",
                "on, opt-level z, unwind",
                "on, opt-level z, unwind, without LLVM's passes",
                "ReturnedPending, opt-level z, unwind",
                "ElideNoAwait, opt-level z, unwind",
            ]
        );
        assert_eq!(count(&all), 2 * 3);
        let one = ["LateAnswers"];
        assert_eq!(count(&matrix(&one, &all_passes(), &[OptLevel::Z])), 2);
    }

    #[test]
    fn all_nine_passes_make_forty_six_sets() {
        let nine = all_passes();
        let [alone, pairs] = sets(&nine);
        assert_eq!((alone.len(), pairs.len()), (9, 36));
        let all = matrix(&nine, &nine, &LEVELS);
        assert_eq!(count(&all), 3 * 2 * (1 + 9 + 36) + 2 * 2);
        assert!(all.len() > 180, "{}", all.len());
        let mut names = names(&all);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn a_pass_that_is_not_chosen_is_switched_off() {
        let known = ["ReturnedPending", "ElideNoAwait"];
        let all = matrix(&known[..1], &known, &[OptLevel::O2]);
        assert!(all[1].variant.rustflags.contains(&"-Zmir-enable-passes=-ElideNoAwait".into()));
        assert_eq!(all[1].variant.name, "ReturnedPending");
        assert!(matrix(&known[1..], &known, &[OptLevel::O0]).is_empty());
    }

    #[test]
    fn memcheck_has_a_build_without_optimization_and_one_of_optimized_mir() {
        let nine = all_passes();
        let mut all = matrix(&nine, &nine, &LEVELS);
        all.retain(|it| it.memcheck != Memcheck::No);
        let expected =
            ["on, opt-level 0, unwind", "on, opt-level z, unwind, without LLVM's passes"];
        assert_eq!(names(&all), expected);
        let late = matrix(&["LateAnswers"], &nine, &[OptLevel::O0, OptLevel::Z]);
        assert_eq!(late.iter().filter(|it| it.memcheck == Memcheck::Yes).count(), 1);
    }

    #[test]
    fn in_turns_every_build_is_made() {
        let nine = all_passes();
        let all = matrix(&nine, &nine, &LEVELS);
        for (turns, most, on, mixes) in
            [(Turns::WHOLE, 55, 8 + 2, 3..=3), (Turns::THIN, 18, 4 + 1, 0..=3)]
        {
            let shares: Vec<_> = (0..560).map(|turn| share(&all, turns, turn)).collect();
            assert!(all.iter().all(|build| shares.iter().any(|share| share.contains(build))));
            let sum: usize = shares.iter().map(Vec::len).sum();
            assert!(sum <= most * shares.len(), "{sum}");
            for share in shares {
                let count = |part| share.iter().filter(|it| it.part == part).count();
                assert_eq!(count(Part::All), on);
                assert!(mixes.contains(&share.iter().filter(|it| it.auxiliary.is_some()).count()));
                for level in LEVELS {
                    let is_there = |it: &Configuration| it.part == Part::All && it.level == level;
                    assert!(share.iter().any(is_there), "{level}: {share:#?}");
                }
            }
        }
    }

    #[test]
    fn in_its_share_of_the_whole_matrix_every_program_sees_each_pass_alone() {
        let nine = all_passes();
        let all = matrix(&nine, &nine, &LEVELS);
        for share in (0..28).map(|turn| share(&all, Turns::WHOLE, turn)) {
            for pass in nine {
                let alone = variant(&[pass], &nine, OptLevel::O2);
                assert!(share.iter().any(|it| it.variant == alone), "{pass}: {share:#?}");
            }
        }
    }

    #[test]
    fn what_a_program_sees_with_all_passes_it_sees_with_none() {
        let nine = all_passes();
        let all = matrix(&nine, &nine, &LEVELS);
        for mut share in (0..2).map(|turn| share(&all, Turns::THIN, turn)) {
            share.push(Configuration::oracle());
            let on = share.iter().filter(|it| it.part == Part::All);
            let has_base = |it: &Configuration| share.iter().any(|base| base.is_base_of(it));
            assert!(on.clone().all(has_base), "{share:#?}");
            for panics in PANICS {
                assert!(on.clone().any(|it| it.panics == panics), "{share:#?}");
            }
        }
    }

    #[test]
    fn two_crates_may_have_different_settings_at_each_level() {
        let known = ["ReturnedPending"];
        let all = matrix(&known, &known, &[OptLevel::O0, OptLevel::O3]);
        let of_two: Vec<_> = all.into_iter().filter(|it| it.auxiliary.is_some()).collect();
        assert_eq!(of_two.len(), 3 * 2 * 2);
        let names = names(&of_two);
        for at in ["opt-level 0, unwind", "opt-level 3, abort"] {
            for mix in ["on with on", "on with off", "off with on"] {
                assert!(names.contains(&format!("{mix}, {at}")), "{names:?}");
            }
        }
        assert!(of_two.iter().all(|it| !it.answers_pending || it.variant == Variant::on()));
    }

    #[test]
    fn what_the_compiler_tells_with_all_passes_is_compared_with_none_at_the_same_place() {
        let nine = all_passes();
        let mut all = matrix(&nine, &nine, &LEVELS);
        all.push(Configuration::oracle());
        for build in &all {
            let bases: Vec<_> = all.iter().filter(|base| base.is_base_of(build)).collect();
            let has_base = build.part == Part::All;
            assert_eq!(bases.len(), usize::from(has_base), "{build}");
            assert!(bases.iter().all(|base| base.level == build.level));
        }
    }
}
