//! What was found, and how it is written down.
//!
//! A finding gets a folder in `build/fuzz` with the program, which needs no other file unless it
//! takes two crates to show it, the two traces, what the compiler or memcheck said, and a page that
//! tells how to see it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::matrix::Configuration;
use crate::workshop::Tools;

/// What is wrong.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A build with passes behaves differently.
    Difference,
    /// The compiler crashes, or refuses a program, with passes.
    Compiler,
    /// The compiler does not end, with passes.
    CompilerHangs,
    /// Memcheck finds an error in a build with passes.
    Memcheck,
    /// The compiler gives other warnings with passes.
    Warnings,
    /// A future is larger with passes.
    Larger,
    /// A build without passes behaves differently from the oracle, or cannot be made.
    Base,
    /// The compiler refuses a program without passes: it is no Rust, which is a defect of the
    /// generator, or the compiler crashes by itself.
    Generator,
}

impl Kind {
    /// The kinds, in the order of reports.
    pub const ALL: [Kind; 8] = [
        Kind::Difference,
        Kind::Compiler,
        Kind::CompilerHangs,
        Kind::Memcheck,
        Kind::Warnings,
        Kind::Larger,
        Kind::Base,
        Kind::Generator,
    ];

    /// The name for folders.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Difference => "difference",
            Kind::Compiler => "compiler",
            Kind::CompilerHangs => "compiler-hangs",
            Kind::Memcheck => "memcheck",
            Kind::Warnings => "warnings",
            Kind::Larger => "larger",
            Kind::Base => "base",
            Kind::Generator => "generator",
        }
    }

    /// Whether the compiler made no program, or that cannot be relied on.
    pub fn is_refusal(self) -> bool {
        matches!(self, Kind::Compiler | Kind::CompilerHangs | Kind::Memcheck)
    }

    /// Whether the passes are at fault, and neither this tool nor the compiler without them.
    pub fn is_of_passes(self) -> bool {
        !matches!(self, Kind::Base | Kind::Generator)
    }

    /// Whether it is about what the compiler tells of a program.
    pub fn is_told(self) -> bool {
        matches!(self, Kind::Warnings | Kind::Larger)
    }

    /// What it is, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Kind::Difference => "the passes change what the program does",
            Kind::Compiler => "the compiler fails with the passes",
            Kind::CompilerHangs => "the compiler does not end with the passes",
            Kind::Memcheck => "memcheck finds an error with the passes",
            Kind::Warnings => "the compiler gives other warnings with the passes",
            Kind::Larger => "a future is larger with the passes",
            Kind::Base => "the compiler without the passes is wrong by itself",
            Kind::Generator => "DEFECT of this tool or the compiler: refused without passes",
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Finding {
    pub kind: Kind,
    /// The seed of the program.
    pub seed: u64,
    /// The builds that show it, the first of which it was reduced with.
    pub shown_by: Vec<Configuration>,
    /// The number of a scenario that shows it.
    pub scenario: Option<usize>,
    /// The files of the program, reduced, with all that it needs.
    pub program: Vec<(&'static str, String)>,
    /// Whether the program was reduced as far as it goes.
    pub note: String,
    /// The trace that is expected, and the one that was found.
    pub traces: Option<[String; 2]>,
    /// What the compiler or memcheck said.
    pub messages: String,
}

impl Finding {
    /// One line that tells what it is.
    pub fn summary(&self) -> String {
        let shown_by = self.shown_by.first().map(ToString::to_string).unwrap_or_default();
        format!("seed {}: {} ({shown_by})", self.seed, self.kind.meaning())
    }

    /// Writes the finding to a folder of its own in `into`, and gives that.
    pub fn write(&self, tools: &Tools, into: &Path) -> Result<PathBuf> {
        let folder = into.join(format!("{}-{}", self.kind.name(), self.seed));
        let cannot_write = || format!("cannot write the finding to `{}`", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(cannot_write)?;
        }
        fs::create_dir_all(&folder).with_context(cannot_write)?;
        let mut files: Vec<_> =
            self.program.iter().map(|(name, text)| (*name, text.as_str())).collect();
        if let Some([expected, found]) = &self.traces {
            files.extend([("expected.trace", expected.as_str()), ("found.trace", found)]);
        }
        if !self.messages.is_empty() {
            files.push(("messages.txt", &self.messages));
        }
        let page = self.page(tools);
        files.push(("README.md", &page));
        for (name, text) in files {
            fs::write(folder.join(name), text).with_context(cannot_write)?;
        }
        Ok(folder)
    }

    fn page(&self, tools: &Tools) -> String {
        // Any linker will do.
        let tools = Tools { linker: Vec::new(), ..tools.clone() };
        let mut page = format!("# Seed {}: {}\n\n", self.seed, self.kind.meaning());
        if let Some(first) = self.shown_by.first() {
            let commands = self.commands(&tools, first);
            let _ = writeln!(page, "In this folder:\n\n```sh\n{commands}```\n");
        }
        if !self.note.is_empty() {
            let _ = writeln!(page, "{}\n", self.note);
        }
        let _ = writeln!(page, "The unreduced program: `async-fuzz --show {}`\n", self.seed);
        page += "Shown by\n\n";
        for configuration in &self.shown_by {
            let _ = writeln!(page, "* {configuration}");
        }
        page
    }

    /// The commands that show it in the build `first`, and what is expected.
    fn commands(&self, tools: &Tools, first: &Configuration) -> String {
        let first = Configuration { tells: self.kind.is_told(), ..first.clone() };
        let compile = |name: &str, configuration: &Configuration| {
            let calls: Vec<_> = tools.calls(configuration, name).iter().map(as_typed).collect();
            calls.join("\n")
        };
        let compile_expected = || compile("expected", &self.expected(&first));
        let compile_found = compile("found", &first);
        match self.kind {
            Kind::Warnings | Kind::Larger => format!(
                "{} > expected.told 2>&1\n{compile_found} > found.told 2>&1\n\
                 diff expected.told found.told\n",
                compile_expected()
            ),
            Kind::Difference | Kind::Base => {
                let run = |name| {
                    let scenario = self.scenario.unwrap_or(0);
                    format!("./{name} trace 0 {scenario} > {name}.trace")
                };
                format!(
                    "{}\n{}\n{compile_found}\n{}\ndiff expected.trace found.trace\n",
                    compile_expected(),
                    run("expected"),
                    run("found")
                )
            }
            Kind::Memcheck => format!("{compile_found}\nvalgrind ./found only 0\n"),
            // The one with passes is not made.
            Kind::Compiler | Kind::CompilerHangs => {
                format!("{}\n{compile_found}\n", compile_expected())
            }
            Kind::Generator => format!("{compile_found}\n"),
        }
    }

    /// The build that behaves as expected: the one without passes.
    fn expected(&self, found: &Configuration) -> Configuration {
        match self.kind {
            Kind::Base => Configuration {
                auxiliary: found.without_passes().auxiliary,
                tells: false,
                ..Configuration::oracle()
            },
            _ => found.without_passes(),
        }
    }
}

/// A command as one would type it.
fn as_typed(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Finding {
        /// One without a program, for tests.
        pub fn of_seed(kind: Kind, seed: u64) -> Self {
            Finding {
                kind,
                seed,
                shown_by: vec![Configuration::oracle()],
                scenario: Some(2),
                program: Vec::new(),
                note: String::new(),
                traces: None,
                messages: String::new(),
            }
        }
    }

    fn page(kind: Kind) -> String {
        Finding::of_seed(kind, 4711).page(&Tools::bare("rustc".into(), true))
    }

    #[test]
    fn the_page_has_what_the_compiler_tells_or_the_traces() {
        let larger = page(Kind::Larger);
        assert!(larger.contains("-Zprint-type-sizes") && larger.contains("> found.told 2>&1"));
        assert!(larger.contains("diff expected.told found.told") && !larger.contains("trace"));
        let differs = page(Kind::Difference);
        assert!(!differs.contains("-Zprint-type-sizes"), "{differs}");
        assert!(differs.contains("./found trace 0 2 > found.trace"), "{differs}");
    }

    #[test]
    fn the_page_runs_no_program_that_is_not_made() {
        let commands = |kind| {
            let page = page(kind);
            let (_, commands) = page.split_once("```sh\n").unwrap();
            commands.split_once("```").unwrap().0.to_owned()
        };
        for kind in [Kind::Compiler, Kind::CompilerHangs, Kind::Generator] {
            let commands = commands(kind);
            assert!(commands.lines().all(|line| line.starts_with("rustc ")), "{commands}");
            assert_eq!(commands.contains("-o expected"), kind != Kind::Generator, "{commands}");
        }
        let memcheck = commands(Kind::Memcheck);
        assert!(memcheck.ends_with("\nvalgrind ./found only 0\n"), "{memcheck}");
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let mut names = Kind::ALL.map(Kind::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().all(|kind| !(kind.is_refusal() && kind.is_told())));
    }
}
