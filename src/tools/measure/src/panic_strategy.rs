//! What a program does when it panics.

use std::fmt;

use clap::ValueEnum;

/// A value of rustc's `-C panic`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum PanicStrategy {
    /// Drop what is on the stack, as servers do.
    Unwind,
    /// Stop, as firmware does.
    Abort,
}

impl PanicStrategy {
    /// The strategy as rustc names it.
    pub fn name(self) -> &'static str {
        match self {
            PanicStrategy::Unwind => "unwind",
            PanicStrategy::Abort => "abort",
        }
    }
}

impl fmt::Display for PanicStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_reads_the_names_of_rustc() {
        for strategy in PanicStrategy::value_variants() {
            assert_eq!(PanicStrategy::from_str(strategy.name(), false), Ok(*strategy));
        }
    }
}
