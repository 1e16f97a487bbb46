//! The command line.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueHint};

use crate::opt_level::OptLevel;
use crate::passes::{FLAG, PASSES, PassChoice};

/// The folder of this tool's package.
const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

/// How many folders the package is below the top of the repository.
const DEPTH: usize = 3;

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

Exit status: 0 if all binaries were measured, 1 if not, 2 if the arguments are wrong.";

/// Measure what the compiler's passes for async code save in flash and RAM
///
/// Builds firmware with the passes off and on, and compares the sections of the binaries. Every
/// build has the same release profile: fat LTO, one codegen unit, abort on panic, no debug info.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Arguments {
    /// The compiler [default: build/stage1/bin/rustc of the repository]
    #[arg(
        long,
        env = "RUSTC",
        hide_env_values = true,
        value_name = "PATH",
        value_hint = ValueHint::ExecutablePath
    )]
    pub rustc: Option<PathBuf>,

    /// The Cargo.toml of the project to build [default: the firmware that comes with this tool]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub manifest_path: Option<PathBuf>,

    /// Build only this package; can be given several times
    #[arg(short, long = "package", value_name = "NAME", value_delimiter = ',')]
    pub packages: Vec<String>,

    /// Build only this binary; can be given several times
    #[arg(long = "bin", value_name = "NAME", value_delimiter = ',')]
    pub binaries: Vec<String>,

    /// Build for this target; can be given several times
    ///
    /// Without it, each package is built for the `target` or `targets` in its
    /// [package.metadata.async-size], else for the host.
    #[arg(long = "target", value_name = "TRIPLE", value_delimiter = ',')]
    pub targets: Vec<String>,

    /// Build at this optimization level; can be given several times
    #[arg(
        short = 'O',
        long = "opt-level",
        value_name = "LEVEL",
        value_delimiter = ',',
        default_value = "z,s"
    )]
    pub levels: Vec<OptLevel>,

    /// What to compare with the passes off: `all` passes, a list of some, or `each` one alone
    #[arg(long, value_name = "all|each|NAME,...", default_value = "all", long_help = passes_help())]
    pub passes: PassChoice,

    /// Write the sizes as JSON; `-` is stdout, and the table goes to stderr then
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub json: Option<PathBuf>,

    /// Write a bar chart of the saved flash
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub svg: Option<PathBuf>,

    /// How many jobs cargo runs at once [default: as many as it wants]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// The folder to build in [default: build/async-size of the repository]
    #[arg(
        long,
        env = "ASYNC_SIZE_TARGET_DIR",
        hide_env_values = true,
        value_name = "DIR",
        value_hint = ValueHint::DirPath
    )]
    pub target_dir: Option<PathBuf>,

    /// Show what cargo says while it builds
    #[arg(short, long)]
    pub verbose: bool,
}

impl Arguments {
    /// The compiler to ask. A name without a folder is looked up in `PATH`.
    pub fn rustc(&self) -> PathBuf {
        match &self.rustc {
            Some(path) => path.clone(),
            None => repository().join("build/stage1/bin/rustc"),
        }
    }

    /// The manifest of the project to build.
    pub fn manifest(&self) -> PathBuf {
        match &self.manifest_path {
            Some(path) => path.clone(),
            None => Path::new(PACKAGE).join("firmware/Cargo.toml"),
        }
    }

    /// The folder to build in.
    pub fn target_dir(&self) -> PathBuf {
        match &self.target_dir {
            Some(path) => path.clone(),
            None => repository().join("build/async-size"),
        }
    }

    /// The optimization levels, each once.
    pub fn levels(&self) -> Vec<OptLevel> {
        unique(&self.levels)
    }

    /// The targets, each once.
    pub fn targets(&self) -> Vec<String> {
        unique(&self.targets)
    }
}

/// The repository that this tool was built from.
fn repository() -> &'static Path {
    let package = Path::new(PACKAGE);
    package.ancestors().nth(DEPTH).unwrap_or(package)
}

/// The items without those that were there before.
fn unique<T: Clone + PartialEq>(items: &[T]) -> Vec<T> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(item) {
            seen.push(item.clone());
        }
    }
    seen
}

fn passes_help() -> String {
    let mut help = format!(
        "What to compare with the passes off:\n  \
         all       all passes together, as `-Z {FLAG}=no` has them\n  \
         each      all together, and each one that the compiler knows alone\n  \
         NAME,...  just these passes together\n\n\
         The passes are\n"
    );
    for pass in &PASSES {
        help += &format!("  {:<24}  {}\n", pass.name, pass.summary);
    }
    help
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn lists_can_be_repeated_or_have_commas() {
        let line = ["async-size", "--opt-level", "z,3", "-O", "s", "--opt-level=z", "--bin=a,b"];
        let arguments = Arguments::try_parse_from(line).unwrap();
        assert_eq!(arguments.levels(), [OptLevel::Z, OptLevel::O3, OptLevel::S]);
        assert_eq!(arguments.binaries, ["a", "b"]);
    }

    #[test]
    fn the_defaults_are_all_passes_at_both_levels_for_size() {
        let arguments = Arguments::try_parse_from(["async-size"]).unwrap();
        assert_eq!(arguments.levels(), [OptLevel::Z, OptLevel::S]);
        assert_eq!(arguments.passes, PassChoice::All);
        assert!(arguments.manifest().ends_with("async-size/firmware/Cargo.toml"));
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
