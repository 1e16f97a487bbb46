//! The verbs, one file each.

mod build;
mod check;
mod clean;
mod dist;
mod export;
mod fmt;
mod run;
mod rustc;
mod save;
mod setup;
mod test;
mod tidy;
mod toolchain;

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};

use anyhow::Result;
use clap::Subcommand;

/// What `x.py` can do. The help of a verb is the page of its arguments.
#[derive(Subcommand)]
pub enum Verb {
    Setup(setup::Arguments),
    Build(build::Arguments),
    Check(check::Arguments),
    Test(test::Arguments),
    Run(run::Arguments),
    Rustc(rustc::Arguments),
    Toolchain(toolchain::Arguments),
    Dist(dist::Arguments),
    Save(save::Arguments),
    Export(export::Arguments),
    Fmt(fmt::Arguments),
    Tidy(tidy::Arguments),
    Clean(clean::Arguments),
}

impl Verb {
    /// Does it, and returns what `x.py` exits with.
    pub fn run(self) -> Result<ExitCode> {
        match self {
            Verb::Setup(arguments) => arguments.run(),
            Verb::Build(arguments) => arguments.run(),
            Verb::Check(arguments) => arguments.run(),
            Verb::Test(arguments) => arguments.run(),
            Verb::Run(arguments) => arguments.run(),
            Verb::Rustc(arguments) => arguments.run(),
            Verb::Toolchain(arguments) => arguments.run(),
            Verb::Dist(arguments) => arguments.run(),
            Verb::Save(arguments) => arguments.run(),
            Verb::Export(arguments) => arguments.run(),
            Verb::Fmt(arguments) => arguments.run(),
            Verb::Tidy(arguments) => arguments.run(),
            Verb::Clean(arguments) => arguments.run(),
        }
    }
}

/// What `x.py` exits with when a program that it ran on the user's behalf ended with `status`; what
/// a shell would say if a signal ended that, such as Ctrl-C.
fn same_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_a_signal_ends_gives_what_a_shell_would() {
        let interrupted = ExitStatus::from_raw(2);
        assert_eq!(interrupted.signal(), Some(2));
        assert_eq!(same_code(interrupted), ExitCode::from(130));
        assert_eq!(same_code(ExitStatus::from_raw(3 << 8)), ExitCode::from(3));
    }
}
