//! The optimization levels of rustc.

use std::fmt;

use clap::ValueEnum;

/// A value of rustc's `-C opt-level`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum OptLevel {
    /// No optimization.
    #[value(name = "0")]
    O0,
    /// Some optimization.
    #[value(name = "1")]
    O1,
    /// More optimization.
    #[value(name = "2")]
    O2,
    /// All optimization for speed.
    #[value(name = "3")]
    O3,
    /// For size.
    S,
    /// For size, and loops are not made vector code.
    Z,
}

impl OptLevel {
    /// The level as rustc names it.
    pub fn name(self) -> &'static str {
        match self {
            OptLevel::O0 => "0",
            OptLevel::O1 => "1",
            OptLevel::O2 => "2",
            OptLevel::O3 => "3",
            OptLevel::S => "s",
            OptLevel::Z => "z",
        }
    }

    /// The level as a value of `opt-level` in a cargo profile: a number, or a quoted letter.
    pub fn toml(self) -> String {
        match self {
            OptLevel::S | OptLevel::Z => format!("\"{}\"", self.name()),
            _ => self.name().into(),
        }
    }
}

impl fmt::Display for OptLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_reads_the_names_of_rustc() {
        for level in OptLevel::value_variants() {
            assert_eq!(OptLevel::from_str(level.name(), false), Ok(*level));
        }
    }

    #[test]
    fn only_letters_are_quoted() {
        assert_eq!(OptLevel::Z.toml(), "\"z\"");
        assert_eq!(OptLevel::O3.toml(), "3");
    }
}
