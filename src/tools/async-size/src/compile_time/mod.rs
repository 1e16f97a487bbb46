//! Measures what the passes cost when the firmware is compiled.
//!
//! Everything is built from nothing, with the passes off and on by turns, so that what else changes
//! on the machine meets both. The compiler writes [profiles](profile), which tell what it spends
//! its time with, pass by pass. The whole is the processor time of cargo and all that it runs:
//! with the crates of build scripts, which have no profile.

mod profile;
mod report;

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use measure::build_folder::OnceFolder;
use measure::opt_level::OptLevel;
use measure::passes::Variant;
use measure::progress::Progress;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use self::profile::Activities;
use crate::arguments::Arguments;
use crate::measurement::{Measurement, Piece, only_strategy};

/// The folder for the profiles, in the one that is built in.
const PROFILES: &str = "profiles";

/// What it took to build everything once.
#[derive(Clone, Debug, Default)]
struct Cost {
    /// The time of the processor, that of the system for it included.
    processor: Duration,
    /// What the compiler spent its time with.
    activities: Activities,
}

/// The costs of each round, with the passes off and on.
type Costs = [Vec<Cost>; 2];

/// Measures what the arguments say, and writes the report. Fails if anything does not build, or if
/// the compiler does not profile itself.
pub fn run(arguments: &Arguments, measurement: &Measurement) -> Result<()> {
    let [off, on] = &measurement.variants[..] else {
        bail!("--compile-time compares with one set of passes; name it with --passes");
    };
    let variants = [off.clone(), on.clone()];
    let pieces = measurement.pieces()?;
    let panic = only_strategy(&pieces)?;
    let rounds = arguments.rounds.get();
    let steps = pieces.len() * measurement.levels.len() * rounds * variants.len();
    let mut progress = Progress::new(steps, measurement.cargo.verbose);
    let mut by_level = Vec::new();
    for &level in &measurement.levels {
        let mut costs = Costs::default();
        for round in 0..rounds {
            for index in turns(round) {
                let cost = build(measurement, &pieces, level, &variants[index], &mut progress)?;
                costs[index].push(cost);
            }
        }
        by_level.push((level, costs));
    }
    progress.finish();
    let compiler = &measurement.compiler.version;
    let table = report::table(compiler, panic, &variants, &by_level);
    arguments.common.write(&table, report::json(compiler, &variants, &by_level), "")
}

/// The order of the variants in a round: each goes first in every other one.
fn turns(round: usize) -> [usize; 2] {
    if round.is_multiple_of(2) { [0, 1] } else { [1, 0] }
}

/// Builds all `pieces` from nothing.
fn build(
    measurement: &Measurement,
    pieces: &[Piece<'_>],
    level: OptLevel,
    variant: &Variant,
    progress: &mut Progress,
) -> Result<Cost> {
    let Measurement { compiler, cargo, project, target_dir, .. } = measurement;
    let folder = OnceFolder::new(crate::NAME, target_dir, "compile-time", &compiler.stamp)?;
    let profiles = folder.path().join(PROFILES);
    let mut cost = Cost::default();
    for piece in pieces {
        progress.begin(&piece.title(level, variant));
        fs::create_dir(&profiles)
            .with_context(|| format!("cannot make `{}`", profiles.display()))?;
        let mut rustflags = piece.rustflags(variant);
        rustflags.push(format!("-Zself-profile={}", profiles.display()));
        let job = piece.job(level, &rustflags, folder.path());
        let before = processor_time()?;
        let built = cargo.run(project, job)?;
        cost.processor += processor_time()? - before;
        compiler.check_unchanged()?;
        if !built.success {
            bail!(piece.failure(level, variant, &built));
        }
        profile::read(&profiles, &mut cost.activities)?;
        // They are large.
        fs::remove_dir_all(&profiles)
            .with_context(|| format!("cannot remove `{}`", profiles.display()))?;
    }
    Ok(cost)
}

/// The processor time of all programs that this one has run to their end, and those have.
fn processor_time() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("cannot ask for processor time")?;
    let duration = |time: TimeVal| {
        Duration::from_secs(time.tv_sec().unsigned_abs())
            + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_passes_are_not_always_off_first() {
        assert_eq!([0, 1, 2].map(turns), [[0, 1], [1, 0], [0, 1]]);
    }

    #[test]
    fn processor_time_is_that_of_programs_that_ran() {
        let before = processor_time().unwrap();
        let script = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done";
        assert!(Command::new("sh").args(["-c", script]).status().unwrap().success());
        assert!(processor_time().unwrap() > before);
    }
}
