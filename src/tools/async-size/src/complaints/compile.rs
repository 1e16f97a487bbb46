//! One program becomes an object file, and what it takes is read from that.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use measure::compiler::Compiler;
use measure::elf::{Sizes, symbol_size};
use measure::frames;
use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;
use tempfile::TempDir;

use super::Footprint;
use super::programs::{BY_HAND, Form};
use crate::measurement::remedy;

/// The symbol that is as large as the future.
const FUTURE_SIZE: &str = "FUTURE_SIZE";

/// How programs are compiled.
#[derive(Clone, Copy, Debug)]
pub struct Build<'a> {
    /// The compiler.
    pub compiler: &'a Compiler,
    /// The triple.
    pub target: &'a str,
    /// The optimization level.
    pub level: OptLevel,
    /// What a panic does.
    pub panic: PanicStrategy,
    /// The passes.
    pub variant: &'a Variant,
}

/// What all programs are compiled with: the crate that they share.
#[derive(Debug)]
pub struct Library<'a> {
    build: Build<'a>,
    folder: TempDir,
}

impl<'a> Library<'a> {
    /// Compiles the shared crate of `package`. Fails if that does.
    pub fn new(build: Build<'a>, package: &Path) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let library = Library { build, folder };
        let mut command = library.command(&package.join("src/lib.rs"), &library.rlib());
        command.args(["--crate-name=complaints", "--emit=link"]);
        library.run(command, "the crate `complaints`")?;
        Ok(library)
    }

    /// Compiles a form, written by hand or not, and says what it takes. Fails if it does not
    /// compile.
    pub fn measure(&self, form: &Form, by_hand: bool) -> Result<Footprint> {
        let object = self.folder.path().join("program.o");
        let mut command = self.command(&form.path, &object);
        command.args(["--crate-name=program", "--emit=obj", frames::FLAG]);
        command.arg("--extern").arg(format!("complaints={}", self.rlib().display()));
        for feature in form.feature.as_deref().into_iter().chain(by_hand.then_some(BY_HAND)) {
            command.arg(format!("--cfg=feature=\"{feature}\""));
        }
        self.run(command, &format!("`{}` ({})", form.label, form.path.display()))?;
        let file =
            fs::read(&object).with_context(|| format!("cannot read `{}`", object.display()))?;
        let sizes = Sizes::read(&file)?;
        let future = symbol_size(&file, FUTURE_SIZE)?
            .with_context(|| format!("`{}` has no `entry!`", form.path.display()))?;
        Ok(Footprint { future, text: sizes.text, frame: sizes.frame, stack: sizes.stack })
    }

    fn rlib(&self) -> PathBuf {
        self.folder.path().join("libcomplaints.rlib")
    }

    /// The call of the compiler for the crate at `source`.
    fn command(&self, source: &Path, output: &Path) -> Command {
        let Build { compiler, target, level, panic, variant } = self.build;
        let mut command = Command::new(&compiler.path);
        command.arg(source).arg("-o").arg(output);
        command.args(["--edition=2024", "--crate-type=lib", "--cap-lints=allow", "--color=never"]);
        command.args(["-Ccodegen-units=1", "--target", target]);
        command.arg(format!("-Copt-level={level}")).arg(format!("-Cpanic={panic}"));
        command.args(&variant.rustflags);
        command
    }

    /// Runs the compiler on `what`.
    fn run(&self, mut command: Command, what: &str) -> Result<()> {
        let Build { compiler, target, level, panic, variant } = self.build;
        let output = command
            .output()
            .with_context(|| format!("cannot run the compiler `{}`", compiler.path.display()))?;
        if !output.status.success() {
            let messages = String::from_utf8_lossy(&output.stderr);
            bail!(
                "{what} does not compile for {target} at opt-level {level}, panic {panic}, with \
                 passes {}{}\n{}",
                variant.name,
                remedy(target, &messages),
                messages.trim_end()
            );
        }
        Ok(())
    }
}
