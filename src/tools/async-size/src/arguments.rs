//! The command line.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, ValueHint};
use measure::arguments::{CommonArguments, unique};
use measure::cargo_build::Profile;
use measure::compiler::Compiler;
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;

use crate::futures::arguments::FutureArguments;

const EXAMPLES: &str = "\
Examples:
  async-size
      The firmware of this repository, passes off and on, at opt-level z and s
  async-size --package nrf --bin blinky --opt-level z --passes each
      One binary, and what each pass saves alone
  async-size --manifest-path ../app/Cargo.toml --target thumbv7em-none-eabihf
      A project of your own
  async-size --json sizes.json --svg sizes.svg
      Also write the sizes for programs, and a bar chart
  async-size --complaints --panic abort,unwind
      Small programs for what people complain of: passes off and on, and written by hand
  async-size --compare-passes --complaints
      Where all passes together are worse than none, or than all but one
  async-size --async-share --package rp --opt-level z
      How much of each binary is async code at all
  async-size --awaits --opt-level z
      How many awaits of the firmware's crates share their code
  async-size --compile-time --package rp --opt-level z
      What the passes cost the compiler, pass by pass
  async-size --futures --bin blinky --html futures.html
      Which futures are large, what is in them, and what became of their awaits

Exit status: 0 if all binaries were measured, 1 if not or if --compare-passes finds something worse,
2 if the arguments are wrong.";

const LEVELS_HELP: &str = "\
Build at this optimization level; several with commas between them [default: z,s; with \
--complaints z; with --own-profile that of the project]";

/// Measure what the compiler's passes for async code save in flash and RAM
///
/// Builds firmware with the passes off and on, and compares the sections of the binaries. Every
/// build has the same release profile, but for what is asked for: fat LTO, one codegen unit, abort
/// on panic, no debug info but for --async-share.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = EXAMPLES,
    mut_arg("levels", |levels| levels.help(LEVELS_HELP)),
    mut_arg("target_dir", |target_dir| target_dir.env("ASYNC_SIZE_TARGET_DIR"))
)]
pub struct Arguments {
    /// The Cargo.toml of the project to build [default: the firmware that comes with this tool]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub manifest_path: Option<PathBuf>,

    /// Build only this package; several with commas between them
    #[arg(short, long = "package", value_name = "NAME", value_delimiter = ',')]
    pub packages: Vec<String>,

    /// Build only this binary; several with commas between them
    #[arg(long = "bin", value_name = "NAME", value_delimiter = ',')]
    pub binaries: Vec<String>,

    /// Build for this target; several with commas between them
    ///
    /// Without it, each package is built for the `target` or `targets` in its
    /// [package.metadata.async-size], else for `build.target` of `.cargo/config.toml`, else for the
    /// host.
    #[arg(long = "target", value_name = "TRIPLE", value_delimiter = ',')]
    pub targets: Vec<String>,

    /// Build with this panic strategy; several with commas between them [default: abort; with
    /// --own-profile that of the project]
    #[arg(long = "panic", value_name = "STRATEGY", value_delimiter = ',')]
    pub panics: Vec<PanicStrategy>,

    /// Build with the project's own release profile, with its panic strategy
    ///
    /// Only --opt-level and --panic change it, and it strips nothing.
    #[arg(long)]
    pub own_profile: bool,

    /// Measure small programs instead of a project: what people who use async Rust complain of
    ///
    /// Each is compiled with the passes off and on, and as one would write it by hand, to an object
    /// file that is not linked; --bin chooses some. The target is thumbv7em-none-eabi unless
    /// --target names others.
    #[arg(long, conflicts_with_all = ["manifest_path", "packages", "own_profile", "svg"])]
    pub complaints: bool,

    /// Build with the passes off, on, and on but for each one in turn
    ///
    /// Marks where all passes together are worse than none, or than all but one, and fails if that
    /// is somewhere.
    #[arg(long, conflicts_with_all = ["passes", "svg"])]
    pub compare_passes: bool,

    /// Also show how much of each binary is async code, in bytes and in percent of its flash
    ///
    /// That is the code of async fns, blocks and closures, without what is inlined into it. Where
    /// there is little of it, passes for async code can save little. The builds have debug info for
    /// this. It changes no byte of a binary, but the builds take longer, and the files are some ten
    /// times as large.
    #[arg(long, conflicts_with_all = ["complaints", "compare_passes", "awaits", "compile_time"])]
    pub async_share: bool,

    /// Build nothing, and count awaits that share their code
    ///
    /// In all crates of the binaries, bodies are looked for that await one type more than once. The
    /// log of the pass CollapseSuspensionPoints tells how many of these awaits became one with
    /// another, and why others did not. Where a body goes on differently behind them, the state may
    /// tell them apart again; the code is there once. One crate is checked after the other,
    /// whatever --jobs says, so that the log is in order.
    #[arg(long, conflicts_with_all = ["complaints", "compare_passes", "svg"])]
    pub awaits: bool,

    /// Measure how long the builds take, and what the compiler spends that time with
    ///
    /// Everything is built from nothing with the passes off and on by turns, and the compiler
    /// profiles itself. Nothing else should run on the machine meanwhile.
    #[arg(long, conflicts_with_all = ["awaits", "complaints", "compare_passes", "svg"])]
    pub compile_time: bool,

    /// How many times --compile-time builds each
    #[arg(long, value_name = "N", default_value = "3", requires = "compile_time")]
    pub rounds: NonZeroUsize,

    #[command(flatten)]
    pub futures: FutureArguments,

    #[command(flatten)]
    pub common: CommonArguments,
}

impl Arguments {
    /// The manifest of the project to build.
    pub fn manifest(&self) -> PathBuf {
        match &self.manifest_path {
            Some(path) => path.clone(),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("firmware/Cargo.toml"),
        }
    }

    /// The optimization levels that are asked for, each once, else the `usual` ones.
    pub fn levels(&self, usual: &[OptLevel]) -> Vec<OptLevel> {
        let levels = self.common.levels();
        if levels.is_empty() { usual.to_vec() } else { levels }
    }

    /// The panic strategies that are asked for, each once.
    pub fn panics(&self) -> Vec<PanicStrategy> {
        unique(self.panics.iter().copied())
    }

    /// The profile of a project's builds.
    pub fn profile(&self) -> Profile {
        if self.own_profile { Profile::Own } else { Profile::FatLto }
    }

    /// The ways to build everything, with the passes that `compiler` knows.
    pub fn variants(&self, compiler: &Compiler) -> Result<Vec<Variant>> {
        if self.compare_passes {
            Ok(Variant::without_each(&compiler.known_passes))
        } else {
            self.common.passes.variants(&compiler.known_passes)
        }
    }

    /// The targets, each once.
    pub fn targets(&self) -> Vec<String> {
        unique(self.targets.iter().cloned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use measure::passes::{PASSES, PassChoice};

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn lists_can_be_repeated_or_have_commas() {
        let line = ["async-size", "--opt-level", "z,3", "-O", "s", "--opt-level=z", "--bin=a,b"];
        let arguments = Arguments::try_parse_from(line).unwrap();
        assert_eq!(arguments.levels(&[]), [OptLevel::Z, OptLevel::O3, OptLevel::S]);
        assert_eq!(arguments.binaries, ["a", "b"]);
    }

    #[test]
    fn the_defaults_are_all_passes_and_the_usual_levels() {
        let arguments = Arguments::try_parse_from(["async-size"]).unwrap();
        assert_eq!(arguments.levels(&[OptLevel::S]), [OptLevel::S]);
        assert_eq!(arguments.profile(), Profile::FatLto);
        assert_eq!(arguments.common.passes, PassChoice::All);
        assert!(arguments.manifest().ends_with("async-size/firmware/Cargo.toml"));
    }

    #[test]
    fn the_own_profile_can_be_changed() {
        let line = ["async-size", "--own-profile", "--panic=unwind,abort", "-Os"];
        let arguments = Arguments::try_parse_from(line).unwrap();
        assert_eq!(arguments.profile(), Profile::Own);
        assert_eq!(arguments.panics(), [PanicStrategy::Unwind, PanicStrategy::Abort]);
    }

    #[test]
    fn passes_are_compared_with_all_of_them() {
        let line = ["async-size", "--compare-passes", "--passes=InlineAwait"];
        assert!(Arguments::try_parse_from(line).is_err());
    }

    #[test]
    fn the_async_share_is_of_projects_that_are_built() {
        let parse = |other: &[&str]| {
            Arguments::try_parse_from([&["async-size", "--async-share"], other].concat())
        };
        assert!(parse(&["--passes=each", "--own-profile"]).unwrap().async_share);
        for other in ["--complaints", "--compare-passes", "--awaits", "--compile-time"] {
            assert!(parse(&[other]).is_err(), "{other}");
        }
    }

    #[test]
    fn a_wrong_pass_is_an_error_with_the_right_ones() {
        let error = Arguments::try_parse_from(["async-size", "--passes", "Inline"]).unwrap_err();
        assert!(error.to_string().contains("CollapseSuspensionPoints"), "{error}");
    }

    #[test]
    fn the_help_names_every_pass() {
        let help = Arguments::command().render_long_help().to_string();
        assert!(PASSES.iter().all(|pass| help.contains(pass.name)), "{help}");
    }
}
