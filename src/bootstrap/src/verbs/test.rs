//! `x.py test`

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::base::Pin;
use crate::command::{self, Counts};
use crate::host;
use crate::host_tools;
use crate::mistakes::{self, Mistake};
use crate::overlay::{self, Overlay, TEST_HELPERS};
use crate::partial;
use crate::rustc_bootstrap::{self, Ready};
use crate::tree::{Checkout, Tree};
use crate::verbs::save;

/// The suites that we have tests in.
const SUITES: [&str; 5] =
    ["tests/mir-opt", "tests/codegen-llvm", "tests/incremental", "tests/ui", DEBUGINFO];

/// The suite whose tests run in debuggers.
const DEBUGINFO: &str = "tests/debuginfo";

/// As long as async-fuzz may look for one.
const MINUTES_TO_FIND_A_MISTAKE: &str = "10";

/// Run tests: all, or those in the given paths
///
/// Ends with a line that counts them. A path is that of a test or a folder below tests/, of one of
/// our tools, or of a crate of the compiler. All crates are built once more to test one, so none is
/// tested unless it is named; rustc_interface has the test that the flag is hashed:
///
///     ./x.py test
///     ./x.py test tests/mir-opt
///     ./x.py test tests/ui/async-await/returned-panic/after-panic.rs
///     ./x.py test src/tools/async-size
///     ./x.py test compiler/rustc_interface
///     ./x.py test --mistakes
///     ./x.py test --mistakes=state-not-set,both-live
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// What to run
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Write what the compiler gives as the expected output, into our tests/
    #[arg(long)]
    bless: bool,
    /// Run the tests with the base without our files
    #[arg(long, requires = "paths")]
    pristine: bool,
    /// Test that async-fuzz finds each mistake of src/tools/async-fuzz/mistakes.toml, or those with
    /// the names, with a compiler of its own that makes them
    #[arg(
        long,
        value_name = "NAME,...",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with_all = ["paths", "bless", "force_rerun", "compiletest"]
    )]
    mistakes: Option<String>,
    /// Run tests again whose result is known from before
    #[arg(long)]
    force_rerun: bool,
    /// What compiletest gets, behind `--`
    #[arg(last = true, value_name = "ARGUMENT")]
    compiletest: Vec<String>,
}

/// The tests to run, by who runs them.
#[derive(Default, Debug, PartialEq)]
struct Selection {
    /// Packages of our workspace.
    tools: Vec<&'static str>,
    /// Paths below tests/, which compiletest runs.
    suites: Vec<String>,
    /// Crates of the compiler or the library.
    crates: Vec<String>,
}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        if let Some(names) = &self.mistakes {
            let chosen = choose(mistakes::read(tree.root())?, names)?;
            return find_mistakes(&tree, &chosen);
        }
        let selection = select(&tree, &self.paths)?;
        if self.pristine {
            ensure!(
                selection.tools.is_empty() && selection.crates.is_empty(),
                "only tests in tests/ can be run with the base (--pristine)"
            );
        }
        let _lock = tree.lock()?;
        let checkout = if self.pristine { Checkout::Pristine } else { Checkout::Patched };
        let ready = rustc_bootstrap::set_up(&tree, checkout)?;
        if self.pristine {
            let tests = Overlay::read(tree.root(), &["tests"])?;
            overlay::lay_out(&tests, &ready.base, &tree.sources(checkout))?;
        }

        let mut counts = Counts::default();
        let mut failed = Vec::new();
        let mut run = |what: &str, command: &mut std::process::Command| -> Result<()> {
            let (found, status) = command::count_tests(command, &mut std::io::stdout())?;
            counts.add(found);
            if !status.success() {
                failed.push(what.to_owned());
            }
            Ok(())
        };

        if !selection.suites.is_empty() {
            self.run_suites(&tree, checkout, &ready, &selection.suites, &mut run)?;
        }
        for path in &selection.crates {
            run(path, &mut ready.bootstrap(&["test", "--no-doc", path])?)?;
        }
        // The base has none of the tools.
        let tools = if self.pristine { &[][..] } else { &selection.tools };
        // Testing for the host takes the libraries of the other targets out of the sysroot, and
        // this tool has a test that takes a compiler.
        let takes_compiler = tools.contains(&"async-size");
        let built = match selection.suites.is_empty() && selection.crates.is_empty() {
            true if !takes_compiler => Ok(()),
            _ => ready.build().map(drop),
        };
        for tool in tools {
            let mut test = host_tools::cargo(&tree, &ready.stage0, "test");
            // With the profile that x.py has built it with already.
            run(tool, test.args(["--release", "--package", tool]))?;
        }

        if failed.is_empty() {
            built?;
        }
        // Something broke before it could be counted, such as a compiler that does not build.
        if counts.failed == 0 && !failed.is_empty() {
            counts.failed = failed.len() as u64;
        }
        if !failed.is_empty() {
            println!("\nfailed: {}", failed.join(", "));
        }
        println!(
            "\n{} passed, {} failed, {} skipped",
            counts.passed, counts.failed, counts.skipped
        );
        Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Has `run` run the tests of `paths`, suite by suite, and takes back what is blessed.
    fn run_suites(
        &self,
        tree: &Tree,
        checkout: Checkout,
        ready: &Ready<'_>,
        paths: &[String],
        run: &mut impl FnMut(&str, &mut std::process::Command) -> Result<()>,
    ) -> Result<()> {
        let helpers = tree.sources(checkout).join(TEST_HELPERS);
        partial::write(&helpers, b"/* Nothing: no test here links to it. */\n")?;
        for suite in SUITES {
            let of_suite = |path: &&String| Path::new(path).starts_with(suite);
            let of_suite: Vec<_> = paths.iter().filter(of_suite).collect();
            if of_suite.is_empty() {
                continue;
            }
            // Without them these tests are passed over in silence.
            if suite == DEBUGINFO {
                host::find_debuggers(&Pin::read()?)?;
            }
            // Each by a call of its own: mir-opt leaves a sysroot without the libraries that the
            // others link to.
            run(suite, &mut self.compiletest(ready, &of_suite)?)?;
        }
        if self.bless {
            save::take_tests_back(tree, checkout, &ready.base)?;
        }
        Ok(())
    }

    fn compiletest(&self, ready: &Ready<'_>, paths: &[&String]) -> Result<std::process::Command> {
        let mut arguments = vec!["test", "--no-fail-fast"];
        // The other targets of the settings have no std to run tests with.
        arguments.extend(["--target", &ready.stage0.host]);
        if self.force_rerun {
            arguments.push("--force-rerun");
        }
        arguments.extend(paths.iter().map(|path| path.as_str()));
        let mut command = ready.bootstrap(&arguments)?;
        command.arg("--");
        if self.bless {
            // As an argument of compiletest: bootstrap's own would build std for five more targets.
            command.arg("--bless");
        }
        command.args(&self.compiletest);
        Ok(command)
    }
}

/// The mistakes with these `names`, which commas separate; all if there are none.
fn choose(mistakes: Vec<Mistake>, names: &str) -> Result<Vec<Mistake>> {
    let names: Vec<_> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let is_known = |name: &&&str| mistakes.iter().any(|mistake| mistake.name == **name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<_> = mistakes.iter().map(|mistake| mistake.name.as_str()).collect();
        bail!("{} has no mistake `{unknown}`; it has {}", mistakes::LIST, known.join(", "));
    }
    let is_chosen = |mistake: &Mistake| names.is_empty() || names.contains(&mistake.name.as_str());
    Ok(mistakes.into_iter().filter(is_chosen).collect())
}

/// Has async-fuzz look for each of the `mistakes` in a compiler that makes it. Fails if one is not
/// found, or if something is found in the same compiler while it makes none.
fn find_mistakes(tree: &Tree, mistakes: &[Mistake]) -> Result<ExitCode> {
    let _lock = tree.lock()?;
    let ready = rustc_bootstrap::set_up(tree, Checkout::Mistaken)?;
    let sysroot = ready.build()?;
    // Whether async-fuzz finds something, and after how many seconds. A batch is looked into when
    // all its builds are made, so batches are small and each is made in a share of the builds.
    let finds = |mistake: &str, limit: [&str; 2], arguments: &[String]| -> Result<(bool, u64)> {
        let mut fuzz = host_tools::build(tree, &ready.stage0, "async-fuzz")?;
        fuzz.env("RUSTC", sysroot.join("bin/rustc")).env("CARGO", &ready.stage0.cargo);
        fuzz.env("ASYNC_FUZZ_TARGET_DIR", sysroot.with_file_name("fuzz").join(mistake));
        fuzz.env(mistakes::VARIABLE, mistake);
        let start = Instant::now();
        let fuzz = fuzz.args(["--stop-at-first", "--thin", "--batch", "30"]).args(limit);
        // The passes do at 3 what they do at 2, but for the size of what is inlined.
        fuzz.args(["--opt-level", "0,2,z"]);
        // What is larger is no mistake of most kinds.
        fuzz.args(arguments).args(if arguments.is_empty() { &["--sizes", "no"][..] } else { &[] });
        let status = command::status(fuzz)?;
        match status.code() {
            Some(code @ (0 | 1)) => Ok((code == 1, start.elapsed().as_secs())),
            _ => bail!("async-fuzz could not look for `{mistake}`: {status}"),
        }
    };
    let mut counts = Counts::default();
    let mut count = |is_right: bool| match is_right {
        true => counts.passed += 1,
        false => counts.failed += 1,
    };

    println!("\nlooking for something where there is no mistake");
    let (found, seconds) = finds("none", ["--count", "60"], &[])?;
    println!("{} was found in {seconds} s", if found { "something" } else { "nothing" });
    count(!found);
    for Mistake { name, why, arguments, .. } in mistakes {
        println!("\nlooking for `{name}`: {why}");
        let (found, seconds) = finds(name, ["--minutes", MINUTES_TO_FIND_A_MISTAKE], arguments)?;
        println!("`{name}` was {} in {seconds} s", if found { "found" } else { "NOT found" });
        count(found);
    }
    println!("\n{} passed, {} failed", counts.passed, counts.failed);
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sorts `paths` by who runs them; all that we have if there are none.
fn select(tree: &Tree, paths: &[String]) -> Result<Selection> {
    let mut selection = Selection::default();
    if paths.is_empty() {
        selection.tools.extend(host_tools::PACKAGES.map(|(package, _)| package));
        selection.suites.extend(SUITES.map(String::from));
        return Ok(selection);
    }
    for path in paths {
        let in_tree = Path::new(path).strip_prefix(tree.root()).ok().and_then(Path::to_str);
        let path = in_tree.unwrap_or(path).trim_start_matches("./").trim_end_matches('/');
        let tool = host_tools::PACKAGES.iter().find(|(_, folder)| *folder == path);
        let in_suite = SUITES.iter().any(|suite| path.starts_with(suite));
        if let Some((package, _)) = tool {
            selection.tools.push(package);
        } else if path == "tests" {
            selection.suites.extend(SUITES.map(String::from));
        } else if in_suite && tree.root().join(path).exists() {
            selection.suites.push(path.to_owned());
        } else if is_crate(path) {
            selection.crates.push(path.to_owned());
        } else {
            let tools: Vec<_> = host_tools::PACKAGES.iter().map(|(_, folder)| *folder).collect();
            bail!(
                "there are no tests of ours at {path}; a path is one below {}, one of {}, or a \
                 crate such as compiler/rustc_interface",
                SUITES.join(", "),
                tools.join(", "),
            );
        }
    }
    Ok(selection)
}

/// Whether `path` looks like a crate in the tree of rustc, which bootstrap then finds or not.
fn is_crate(path: &str) -> bool {
    let mut parts = path.split('/');
    matches!(parts.next(), Some("compiler" | "library"))
        && parts.next().is_some_and(|name| !name.is_empty())
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is selected by `paths`, in which `TREE` is where the tree lies.
    fn selected(paths: &[&str]) -> Result<Selection> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("tests/ui/some")).unwrap();
        let root = folder.path().to_str().unwrap();
        let paths: Vec<_> = paths.iter().map(|path| path.replace("TREE", root)).collect();
        select(&Tree::at(folder.path()), &paths)
    }

    #[test]
    fn without_a_path_everything_is_run() {
        let all = selected(&[]).unwrap();
        assert_eq!(all.suites, SUITES);
        assert_eq!(all.tools.len(), host_tools::PACKAGES.len());
        assert!(all.crates.is_empty());
    }

    #[test]
    fn paths_are_sorted_by_who_runs_them() {
        let paths = ["./tests/ui/some/", "src/bootstrap", "library/core"];
        let selection = selected(&paths).unwrap();
        assert_eq!(selection.suites, ["tests/ui/some"]);
        assert_eq!(selection.tools, ["bootstrap"]);
        assert_eq!(selection.crates, ["library/core"]);
        assert_eq!(selected(&["TREE/tests/ui/some/"]).unwrap().suites, ["tests/ui/some"]);
    }

    #[test]
    fn mistakes_are_chosen_by_name() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let chosen = |names: &str| -> Result<Vec<_>> {
            let chosen = choose(mistakes::read(root)?, names)?;
            Ok(chosen.into_iter().map(|mistake| mistake.name).collect())
        };
        assert_eq!(chosen("").unwrap().len(), mistakes::read(root).unwrap().len());
        assert_eq!(chosen("both-live, state-not-set").unwrap(), ["state-not-set", "both-live"]);
        let error = chosen("both-live,none").unwrap_err().to_string();
        assert!(error.contains("`none`") && error.contains("state-not-set"), "{error}");
    }

    #[test]
    fn an_unknown_path_is_named_with_those_that_are_known() {
        for path in ["tests/ui/none.rs", "tests/run-make", "src/tools/miri", "compiler"] {
            let error = selected(&[path]).unwrap_err().to_string();
            assert!(error.contains(path) && error.contains("tests/mir-opt"), "{error}");
        }
    }
}
