//! The command line.

use clap::Parser;
use measure::arguments::CommonArguments;
use measure::panic_strategy::PanicStrategy;

use crate::programs::{ALL, MODES_HELP, PANIC_HELP};
use crate::statistics::FEWEST_PAIRS;

const EXAMPLES: &str = "\
Examples:
  async-bench
      All programs in all modes, passes off and on, at opt-level 3, s and z
  async-bench --program hal-tree --no-wall --passes each
      Only counts of instructions, and what each pass saves alone
  async-bench --program server --no-wall --opt-level 3 --panic unwind
      What servers cost by request, as they are mostly built
  async-bench --mode timers,all --opt-level 3 --pairs 40
      Two modes, and their time more exactly
  async-bench --json costs.json --svg costs.svg
      Also write the costs for programs, and a bar chart

Exit status: 0 if everything was measured, 1 if not, 2 if the arguments are wrong.";

/// Measure what the compiler's passes for async code save when programs run
///
/// Builds programs with the passes off and on, counts the instructions that they execute, and
/// compares how long they take. They are built without LTO, with one codegen unit and no debug
/// info. All variants have to come to the same results.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = EXAMPLES,
    mut_arg("levels", |levels| levels.default_value("3,s,z")),
    mut_arg("target_dir", |target_dir| target_dir.env("ASYNC_BENCH_TARGET_DIR"))
)]
pub struct Arguments {
    /// Measure only this program; several with commas between them
    #[arg(
        short,
        long = "program",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = ALL.map(|program| program.package)
    )]
    pub programs: Vec<String>,

    /// Measure only this mode; several with commas between them
    #[arg(
        short,
        long = "mode",
        value_name = "NAME",
        value_delimiter = ',',
        long_help = MODES_HELP
    )]
    pub modes: Vec<String>,

    /// Build programs that do this when they panic; several with commas between them
    #[arg(long = "panic", value_name = "STRATEGY", value_delimiter = ',', long_help = PANIC_HELP)]
    pub panics: Vec<PanicStrategy>,

    /// How many times each variant is timed, in turn with the others; at least 6
    #[arg(
        long,
        value_name = "N",
        default_value = "15",
        value_parser = clap::value_parser!(u32).range(i64::from(FEWEST_PAIRS)..=1000)
    )]
    pub pairs: u32,

    /// Only count instructions
    #[arg(long, conflicts_with = "pairs")]
    pub no_wall: bool,

    #[command(flatten)]
    pub common: CommonArguments,
}

impl Arguments {
    /// How many times each variant is timed; none if time is not measured.
    pub fn pairs(&self) -> Option<u32> {
        (!self.no_wall).then_some(self.pairs)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use measure::opt_level::OptLevel;

    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["async-bench"], words].concat())
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_three_levels_with_time() {
        let arguments = parse(&[]).unwrap();
        assert_eq!(arguments.common.levels(), [OptLevel::O3, OptLevel::S, OptLevel::Z]);
        assert_eq!(arguments.pairs(), Some(15));
        assert!(arguments.programs.is_empty() && arguments.modes.is_empty());
        assert!(arguments.panics.is_empty());
    }

    #[test]
    fn a_panic_strategy_is_one_of_two() {
        let arguments = parse(&["--panic", "unwind,abort"]).unwrap();
        assert_eq!(arguments.panics, [PanicStrategy::Unwind, PanicStrategy::Abort]);
        assert!(parse(&["--panic", "immediate-abort"]).is_err());
    }

    #[test]
    fn levels_come_once_and_in_their_order() {
        let arguments = parse(&["-O", "z,3", "-O", "z", "--no-wall"]).unwrap();
        assert_eq!(arguments.common.levels(), [OptLevel::Z, OptLevel::O3]);
        assert_eq!(arguments.pairs(), None);
    }

    #[test]
    fn too_few_pairs_are_an_error_with_the_range() {
        for pairs in ["0", "5", "1001", "many"] {
            assert!(parse(&["--pairs", pairs]).is_err(), "{pairs}");
        }
        let error = parse(&["--pairs", "5"]).unwrap_err().to_string();
        assert!(error.contains("6..=1000"), "{error}");
        assert!(parse(&["--no-wall", "--pairs", "9"]).is_err());
    }

    #[test]
    fn a_wrong_program_is_an_error_with_the_right_ones() {
        let error = parse(&["--program", "tokio-work"]).unwrap_err().to_string();
        assert!(ALL.iter().all(|program| error.contains(program.package)), "{error}");
    }

    #[test]
    fn the_help_names_every_mode() {
        let help = Arguments::command().render_long_help().to_string();
        for mode in ALL.iter().flat_map(|program| program.modes) {
            assert!(help.contains(&format!("  {} ", mode.name)), "{} is not in {help}", mode.name);
        }
    }
}
