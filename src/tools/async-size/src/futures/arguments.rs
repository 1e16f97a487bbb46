//! The part of the command line that is about futures.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// What else can be measured, but not in the same run.
const OTHERS: [&str; 4] = ["awaits", "complaints", "compare_passes", "compile_time"];

/// What is to be told of the futures, if anything is.
#[derive(Debug, Args)]
pub struct FutureArguments {
    /// Show which futures of the binaries are large, with the passes off and on
    ///
    /// Everything is built from nothing, by default at opt-level z, and the compiler tells what is
    /// in each future. Those are shown that end up in a binary, the largest first. This takes a
    /// compiler that knows -Zdump-coroutines, as that of this repository does.
    #[arg(long, conflicts_with_all = OTHERS, conflicts_with = "svg")]
    pub futures: bool,

    /// Show all of the futures with NAME in their name: states, values, awaits, and what to do
    ///
    /// If one is called NAME as a whole, it is that one.
    #[arg(
        long = "future",
        value_name = "NAME",
        conflicts_with_all = OTHERS,
        conflicts_with = "svg"
    )]
    pub name: Option<String>,

    /// Draw the states of the future with NAME in its name
    ///
    /// The graph is written in the language of dot, and with --svg also as a picture. It is that of
    /// the build with the passes on, unless the future is inlined everywhere there.
    #[arg(long, value_name = "NAME", conflicts_with_all = OTHERS, conflicts_with = "name")]
    pub states: Option<String>,

    /// Write all of the futures to a page for a browser, with their source
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = OTHERS,
        conflicts_with_all = ["svg", "states"]
    )]
    pub html: Option<PathBuf>,

    /// How many futures --futures shows; 0 is all
    #[arg(long, value_name = "N", default_value_t = 20, requires = "futures")]
    pub top: usize,
}

impl FutureArguments {
    /// Whether anything is to be told.
    pub fn is_asked(&self) -> bool {
        self.futures || self.name.is_some() || self.states.is_some() || self.html.is_some()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::arguments::Arguments;

    #[test]
    fn futures_are_asked_for_by_any_of_their_options() {
        let parse = |words: &[&str]| Arguments::try_parse_from([&["async-size"], words].concat());
        let is_asked = |words: &[&str]| parse(words).unwrap().futures.is_asked();
        assert!(!is_asked(&[]));
        for words in
            [&["--futures", "--top=3"][..], &["--future=a"], &["--states=a"], &["--html=a.html"]]
        {
            assert!(is_asked(words), "{words:?}");
        }
        assert!(is_asked(&["--states=a", "--svg=a.svg"]));
        for words in
            [["--futures", "--awaits"], ["--future=a", "--states=a"], ["--html=a", "--svg=a"]]
        {
            assert!(parse(&words).is_err(), "{words:?}");
        }
        assert!(parse(&["--top=3"]).is_err());
    }
}
