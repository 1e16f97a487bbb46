//! Running other programs: shown with `-v`, and named when they fail.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Whether every command is shown before it runs (`-v`).
pub fn set_verbose(verbose: bool) {
    VERBOSE.store(verbose, Ordering::Relaxed);
}

/// `command` as one would type it, with the folder and the variables that were set for it.
pub fn as_typed(command: &Command) -> String {
    let mut words = Vec::new();
    if let Some(folder) = command.get_current_dir() {
        words.push(format!("cd {} &&", quoted(folder.as_os_str())));
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!("{}={}", name.to_string_lossy(), quoted(value)));
        }
    }
    words.push(quoted(command.get_program()));
    words.extend(command.get_args().map(quoted));
    words.join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    // Only a word with a NUL byte cannot be quoted, and no command can have one.
    shlex::try_quote(&word).unwrap_or_default().into_owned()
}

fn show(command: &Command) {
    if VERBOSE.load(Ordering::Relaxed) {
        eprintln!("+ {}", as_typed(command));
    }
}

fn not_started(command: &Command) -> String {
    format!("`{}` could not be started", command.get_program().to_string_lossy())
}

/// Runs `command` with our own input and output, and returns how it ended.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    show(command);
    command.status().with_context(|| not_started(command))
}

/// Runs `command` with our own input and output. That it fails is an error that shows it.
pub fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("this command failed ({status}):\n    {}", as_typed(command));
    }
    Ok(())
}

/// Runs `command` and returns what it printed on standard output. That it fails is an error that
/// shows the command and what it printed on standard error.
pub fn output(command: &mut Command) -> Result<String> {
    show(command);
    let output = command.output().with_context(|| not_started(command))?;
    if !output.status.success() {
        bail!(
            "this command failed ({}):\n    {}\n{}",
            output.status,
            as_typed(command),
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed text that is not UTF-8", as_typed(command)))
}

/// How many tests passed, failed and were skipped.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Counts {
    pub fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// The counts in a line that libtest or compiletest ends a run with, as in
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn from_result_line(line: &str) -> Option<Counts> {
        let (_, counts) = line.split_once("test result: ")?.1.split_once(". ")?;
        let count = |label: &str| {
            let part = counts.split(';').find(|part| part.trim_end().ends_with(label))?;
            part.split_whitespace().next()?.parse().ok()
        };
        Some(Counts {
            passed: count("passed")?,
            failed: count("failed")?,
            skipped: count("ignored")?,
        })
    }
}

/// Runs `command`, which runs tests, passes its standard output on to `out`, and returns what it
/// counted and how it ended.
pub fn count_tests(command: &mut Command, out: &mut impl Write) -> Result<(Counts, ExitStatus)> {
    show(command);
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| not_started(command))?;
    let mut counts = Counts::default();
    let mut reader = BufReader::new(child.stdout.take().expect("standard output is piped"));
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if let Some(found) = Counts::from_result_line(&String::from_utf8_lossy(&line)) {
            counts.add(found);
        }
        out.write_all(&line)?;
        out.flush()?;
        line.clear();
    }
    Ok((counts, child.wait()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_command_so_that_it_can_be_pasted() {
        let mut command = Command::new("git");
        command.args(["commit", "-m", "it's ours"]).current_dir("/a b").env("X", "1");
        assert_eq!(as_typed(&command), r#"cd '/a b' && X=1 git commit -m "it's ours""#);
    }

    #[test]
    fn a_failing_command_is_named_with_what_it_said() {
        let error =
            output(Command::new("sh").args(["-c", "echo no such luck >&2; exit 3"])).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("no such luck") && error.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert!(error.to_string().contains("no-such-program-anywhere"));
    }

    #[test]
    fn counts_are_read_from_result_lines_only() {
        let line =
            "test result: FAILED. 12 passed; 3 failed; 4 ignored; 0 measured; 9 filtered out";
        let counts = Counts { passed: 12, failed: 3, skipped: 4 };
        assert_eq!(Counts::from_result_line(line), Some(counts));
        assert_eq!(Counts::from_result_line("test foo ... ok"), None);
        assert_eq!(Counts::from_result_line("test result: 5 passed"), None);
    }

    #[test]
    fn tests_are_counted_through_a_pipe_and_failure_is_seen() {
        let script = "echo 'test result: ok. 2 passed; 0 failed; 1 ignored;'; \
                      echo 'test result: FAILED. 1 passed; 1 failed; 0 ignored;'; exit 1";
        let mut out = Vec::new();
        let mut command = Command::new("sh");
        let (counts, status) = count_tests(command.args(["-c", script]), &mut out).unwrap();
        assert_eq!(out.iter().filter(|&&byte| byte == b'\n').count(), 2);
        assert_eq!(counts, Counts { passed: 3, failed: 1, skipped: 1 });
        assert!(!status.success());
    }
}
