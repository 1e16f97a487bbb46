//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, ValueEnum, ValueHint};
use measure::arguments::{CompilerArgument, repository, unique};
use measure::opt_level::OptLevel;
use measure::passes::{self, PassChoice};

use crate::matrix;

const EXAMPLES: &str = "\
Examples:
  async-fuzz --count 10000
      10,000 programs in all builds
  async-fuzz --seed 7000 --minutes 60 --stop-at-first
      As many programs as an hour has time for, until one shows something
  async-fuzz --seed 4711 --count 1 --memcheck 100
      One program, in the builds that it had in the run that it is from, with memcheck
  async-fuzz --show 4711
      Print the program of a seed, which needs no other file
  async-fuzz --passes ElideNoAwait --opt-level 3 --json found.json
      One pass at one level, and what was found for programs

Exit status: 0 if nothing was found, 1 if a fault of the passes was, 2 if the run could not be made
or the passes are not at fault for what was found.";

/// The number of programs if neither that nor the time is given.
const DEFAULT_COUNT: u64 = 300;

/// Look for async programs that the compiler's passes for async code make behave differently
///
/// Makes random programs, compiles each without the passes and with all, and with a share of each
/// alone and each pair, at several opt-levels, with panics that unwind and that abort, runs them in
/// all ways that a caller may, and compares what they do, step by step, what the compiler warns of,
/// and how large their futures are. What is found is reduced and written to build/fuzz. The program
/// of a seed is always the same.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Arguments {
    /// The seed of the first program
    #[arg(short, long, value_name = "N", default_value = "0")]
    pub seed: u64,

    /// How many programs to try, with one seed after the other [default: 300 without --minutes]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Begin no more programs after so many minutes
    #[arg(short, long, value_name = "N")]
    pub minutes: Option<f64>,

    /// End as soon as something is found
    #[arg(long)]
    pub stop_at_first: bool,

    /// The passes to try: all of them, or just some
    #[arg(long, value_name = "all|NAME,...", default_value = "all", long_help = passes_help())]
    pub passes: Passes,

    /// Compile at this optimization level; several with commas between them [default: 0,2,3,z]
    #[arg(short = 'O', long = "opt-level", value_name = "LEVEL", value_delimiter = ',')]
    pub levels: Vec<OptLevel>,

    /// Try each program in fewer of the builds
    ///
    /// All passes together are tried at each level with each panic strategy. Of the others every
    /// batch of programs has a share: of each pass alone a third of the builds, of each pair a
    /// fourteenth, of two crates with different settings an eighth. With this, all passes are tried
    /// at each level with one of the strategies, and the shares are a fourteenth, a seventieth and
    /// a sixteenth. The next batch has the next share. Which one a program has is its seed divided
    /// by the size of a batch, so a run with one seed sees the same builds again, unless it has
    /// another --batch.
    #[arg(long)]
    pub thin: bool,

    /// Whether a future that is larger with all passes than with none is a finding
    #[arg(
        long,
        value_name = "yes|no",
        value_enum,
        default_value = "yes",
        hide_possible_values = true
    )]
    pub sizes: Answer,

    /// How many programs in a hundred valgrind's memcheck runs as well
    #[arg(
        long,
        value_name = "PERCENT",
        default_value = "2",
        value_parser = clap::value_parser!(u32).range(0..=100)
    )]
    pub memcheck: u32,

    /// How many compilers run at once [default: one for each processor]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// How many programs make one crate
    #[arg(long, value_name = "N", default_value = "240")]
    pub batch: NonZeroUsize,

    #[command(flatten)]
    pub compiler: CompilerArgument,

    /// A shared library that the compiler gets its memory from
    ///
    /// With jemalloc's, and MALLOC_CONF=thp:always, it is about a tenth faster.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub allocator: Option<PathBuf>,

    /// Write the result as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub json: Option<PathBuf>,

    /// The folder for findings [default: build/fuzz of the repository]
    #[arg(
        long,
        env = "ASYNC_FUZZ_TARGET_DIR",
        hide_env_values = true,
        value_name = "DIR",
        value_hint = ValueHint::DirPath
    )]
    pub target_dir: Option<PathBuf>,

    /// Print the program of this seed, and try nothing
    #[arg(long, value_name = "N")]
    pub show: Option<u64>,
}

impl Arguments {
    /// How many programs to try, if there is an end to them.
    pub fn count(&self) -> Option<u64> {
        self.count.or(self.minutes.is_none().then_some(DEFAULT_COUNT))
    }

    /// The optimization levels, each once.
    pub fn levels(&self) -> Vec<OptLevel> {
        if self.levels.is_empty() {
            matrix::LEVELS.to_vec()
        } else {
            unique(self.levels.iter().copied())
        }
    }

    /// The folder for findings.
    pub fn target_dir(&self) -> PathBuf {
        self.target_dir.clone().unwrap_or_else(|| repository().join("build/fuzz"))
    }
}

/// A yes or a no.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Answer {
    Yes,
    No,
}

/// The passes to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Passes(Option<Vec<&'static str>>);

impl FromStr for Passes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse()? {
            PassChoice::Named(names) => Ok(Passes(Some(names))),
            _ => Ok(Passes(None)),
        }
    }
}

impl Passes {
    /// Those that are to be tried with a compiler that knows the passes `known`; an error if one
    /// is named that it does not know.
    pub fn chosen(&self, known: &[&'static str]) -> Result<Vec<&'static str>, String> {
        let Some(names) = &self.0 else { return Ok(known.to_vec()) };
        match names.iter().find(|name| !known.contains(name)) {
            Some(missing) => Err(format!(
                "the compiler has no pass `{missing}`; of this tool's passes it has {}",
                if known.is_empty() { "none".into() } else { known.join(", ") }
            )),
            None => Ok(names.clone()),
        }
    }
}

fn passes_help() -> String {
    format!(
        "The passes to try: together, each alone, and each pair\n  \
         all       those that the compiler knows\n  \
         NAME,...  just these\n\n\
         The passes are, with those that they do little without\n{}",
        passes::help()
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use measure::passes::PASSES;

    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["async-fuzz"], words].concat())
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn there_is_an_end_by_number_or_by_time() {
        assert_eq!(parse(&[]).unwrap().count(), Some(DEFAULT_COUNT));
        assert_eq!(parse(&["--minutes", "5"]).unwrap().count(), None);
        assert_eq!(parse(&["--minutes", "5", "-c", "7"]).unwrap().count(), Some(7));
        assert!(parse(&["--count", "0"]).is_err());
    }

    #[test]
    fn the_levels_are_those_of_the_matrix_or_those_given() {
        assert_eq!(parse(&[]).unwrap().levels(), matrix::LEVELS);
        assert_eq!(parse(&["-O", "s,3,s"]).unwrap().levels(), [OptLevel::S, OptLevel::O3]);
    }

    #[test]
    fn only_passes_that_the_compiler_knows_are_chosen() {
        let known = ["ReturnedPending", "ElideNoAwait"];
        let arguments = parse(&[]).unwrap();
        assert_eq!(arguments.passes.chosen(&known).unwrap(), known);
        let arguments = parse(&["--passes", "InlineAwait,ElideNoAwait"]).unwrap();
        let error = arguments.passes.chosen(&known).unwrap_err();
        assert!(error.contains("no pass `InlineAwait`"), "{error}");
        let error = parse(&["--passes", "Inline"]).unwrap_err().to_string();
        assert!(error.contains("CollapseSuspensionPoints"), "{error}");
    }

    #[test]
    fn sizes_count_unless_they_are_not_to() {
        assert_eq!(parse(&[]).unwrap().sizes, Answer::Yes);
        assert_eq!(parse(&["--sizes", "no"]).unwrap().sizes, Answer::No);
    }

    #[test]
    fn a_share_is_no_more_than_all() {
        assert!(parse(&["--memcheck", "101"]).is_err());
        assert!(parse(&["--jobs", "0"]).is_err());
    }

    #[test]
    fn the_help_names_every_pass() {
        let help = Arguments::command().render_long_help().to_string();
        assert!(PASSES.iter().all(|pass| help.contains(pass.name)), "{help}");
    }
}
