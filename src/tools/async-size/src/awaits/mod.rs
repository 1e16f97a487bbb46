//! Counts the awaits of one type in the bodies of a project, and how many of them came to share a
//! suspension point.
//!
//! Nothing is built: cargo checks the binaries, in a folder of its own that is taken away again,
//! and the [`log`] of the pass tells of every crate that they consist of.

mod log;
mod report;

use anyhow::{Result, bail};
use measure::build_folder::OnceFolder;
use measure::cargo_build::Built;
use measure::passes::OFF;
use measure::progress::Progress;

use self::log::Census;
use crate::arguments::Arguments;
use crate::measurement::{Measurement, Piece, only_strategy};

/// The pass that has awaits share suspension points.
const PASS: &str = "CollapseSuspensionPoints";

/// Which lines of the compiler's log are needed.
const FILTER: &str = "rustc_mir_transform::collapse_suspension_points=debug";

/// Counts what the arguments say, and writes the report. Fails if a binary is not checked, or if
/// the compiler says nothing of the pass.
pub fn run(arguments: &Arguments, measurement: &Measurement) -> Result<()> {
    let compiler = &measurement.compiler;
    let variant = match &measurement.variants[..] {
        [off, variant] if off.name == OFF => variant,
        _ => bail!("--awaits counts with one set of passes; name it with --passes"),
    };
    if !compiler.known_passes.contains(&PASS) {
        bail!("the compiler `{}` has no pass {PASS}", compiler.path.display());
    }
    if variant.is_without(PASS) {
        bail!("--awaits counts what {PASS} does, which is off; name it in --passes, too");
    }
    let pieces = measurement.pieces()?;
    let panic = only_strategy(&pieces)?;
    let steps = pieces.len() * measurement.levels.len();
    let mut progress = Progress::new(steps, measurement.cargo.verbose);
    let mut by_level = Vec::new();
    for &level in &measurement.levels {
        let name = format!("awaits-{level}");
        // What was checked before is not in the log.
        let folder = OnceFolder::new(crate::NAME, &measurement.target_dir, &name, &compiler.stamp)?;
        let mut census = Census::default();
        for piece in &pieces {
            progress.begin(&format!(
                "counting, opt-level {level}: {} for {}",
                piece.unit.package, piece.target
            ));
            let rustflags = piece.rustflags(variant);
            let job = piece.job(level, &rustflags, folder.path());
            let built = measurement.cargo.check_with_log(&measurement.project, job, FILTER)?;
            compiler.check_unchanged()?;
            check(&built, piece)?;
            census.read(&built.messages);
        }
        if !census.has_log {
            bail!(
                "the compiler `{}` writes no log of {PASS}; it is to be built with \
                 `debug-logging = true`",
                compiler.path.display()
            );
        }
        by_level.push((level, census));
    }
    progress.finish();
    let json = report::json(&compiler.version, variant, &by_level);
    let table = report::table(&compiler.version, panic, variant, &by_level);
    arguments.common.write(&table, json, "")
}

/// Fails if cargo did.
fn check(built: &Built, piece: &Piece<'_>) -> Result<()> {
    if built.success {
        return Ok(());
    }
    let is_log = |line: &&str| log::is_log(line);
    let messages: Vec<_> = built.messages.lines().filter(|line| !is_log(line)).collect();
    bail!("`{}` does not compile for {}\n{}", piece.unit.package, piece.target, messages.join("\n"))
}
