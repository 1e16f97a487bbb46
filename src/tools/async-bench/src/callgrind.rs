//! Counts of instructions, by callgrind of [valgrind].
//!
//! Valgrind runs a program one instruction after the other, one thread at a time, and callgrind
//! counts each that is not of the kernel. What counts is the whole process, from the loader on;
//! before `main` that is some 300 000 instructions.
//!
//! So a program that does the same in every run has the same count in every run, and so have two
//! variants that are the same to the byte. One that looks at the clock may not, nor one with
//! several threads. Each is counted twice, and if that gives two numbers, [`MOST`] times in all; a
//! [`Count`] tells how far apart they were.
//!
//! [valgrind]: https://valgrind.org/docs/manual/cl-manual.html

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use which::which;

use crate::execution::Call;
use crate::output::Printed;

/// How many times a program is counted that does not execute the same number every time.
const MOST: usize = 5;

/// The program valgrind.
#[derive(Debug)]
pub struct Valgrind {
    path: PathBuf,
    /// What it calls itself, such as `valgrind-3.19.0`.
    pub version: String,
}

/// How many instructions a program executes.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    /// Every count, from the smallest to the largest; at least one.
    all: Vec<u64>,
}

impl Valgrind {
    /// Looks valgrind up in `PATH`. Fails if it is not there or does not run.
    pub fn find() -> Result<Self> {
        Self::at(which("valgrind").ok())
    }

    fn at(path: Option<PathBuf>) -> Result<Self> {
        let Some(path) = path else {
            bail!(
                "there is no `valgrind` in PATH, which counts the instructions; \
                 install it (apt install valgrind)"
            );
        };
        let output = Command::new(&path)
            .arg("--version")
            .output()
            .with_context(|| format!("cannot run `{}`", path.display()))?;
        if !output.status.success() {
            bail!(
                "`{} --version` failed; install valgrind again (apt install --reinstall valgrind)",
                path.display()
            );
        }
        let version = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        Ok(Valgrind { path, version })
    }

    /// The instructions of `call`, and what it prints. Fails if that is not the same in every run.
    pub fn count(&self, call: Call<'_>) -> Result<(Count, Printed)> {
        repeat(|| self.count_once(call)).with_context(|| format!("cannot count {}", call.line()))
    }

    fn count_once(&self, call: Call<'_>) -> Result<(u64, Printed)> {
        let mut command = Command::new(&self.path);
        // The total is on stderr, and nobody reads the profile. A debugger would have its pipes in
        // the folder for temporary files.
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--vgdb=no"]);
        let output = call.run_by(command)?;
        let messages = String::from_utf8_lossy(&output.stderr);
        let count = collected(&messages).with_context(|| {
            format!("valgrind told no number of instructions\n{}", messages.trim_end())
        })?;
        Ok((count, call.printed(&output.stdout)?))
    }
}

/// The counts of `count_once`, which is called as often as they need, and what is printed.
fn repeat(mut count_once: impl FnMut() -> Result<(u64, Printed)>) -> Result<(Count, Printed)> {
    let (first, printed) = count_once()?;
    let mut all = vec![first];
    while all.len() < 2 || (all.len() < MOST && all.iter().any(|count| *count != first)) {
        let (count, again) = count_once()?;
        if again != printed {
            bail!("it came to {printed:?} once, and then to {again:?}");
        }
        all.push(count);
    }
    Ok((Count::new(all), printed))
}

/// The number of instructions in callgrind's `messages`. They end in lines such as
///
/// ```text
/// ==9044== Events    : Ir
/// ==9044== Collected : 5447789
/// ```
///
/// where `Ir` are instructions read. There is none if callgrind counted anything else, too.
fn collected(messages: &str) -> Option<u64> {
    let value = |name: &str| {
        let mut fields =
            messages.lines().filter(|line| line.starts_with("==")).filter_map(|line| {
                let (key, value) = line.split_once(" : ")?;
                (key.split_whitespace().nth(1)? == name).then(|| value.trim())
            });
        fields.next()
    };
    if value("Events")? != "Ir" {
        return None;
    }
    value("Collected")?.parse().ok()
}

impl Count {
    /// The result of several counts of the same; at least one.
    pub fn new(mut all: Vec<u64>) -> Self {
        all.sort_unstable();
        Count { all }
    }

    /// The number of instructions; if they differ from run to run, the one in the middle.
    pub fn instructions(&self) -> u64 {
        self.all[self.all.len() / 2]
    }

    /// How far apart the counts are, in percent of the smallest; 0 if the count is exact.
    pub fn spread(&self) -> f64 {
        measure::amount::percentage(self.all[0], self.all[self.all.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: &str = "\
==9044== Callgrind, a call-graph generating cache profiler
==9044== Command: hal-tree sync 100000
==9044== For interactive control, run 'callgrind_control -h'.
==9044==
==9044== Events    : Ir
==9044== Collected : 5447789
==9044==
==9044== I   refs:      5,447,789
";

    #[test]
    fn the_total_is_read() {
        assert_eq!(collected(MESSAGES), Some(5_447_789));
    }

    #[test]
    fn what_the_program_says_is_no_total() {
        let messages = format!("Events : Ir\nCollected : 1\n{MESSAGES}");
        assert_eq!(collected(&messages), Some(5_447_789));
    }

    #[test]
    fn no_total_is_made_up() {
        assert_eq!(collected(""), None);
        assert_eq!(collected(&MESSAGES.replace("Collected", "Lost")), None);
        assert_eq!(collected(&MESSAGES.replace("5447789", "")), None);
        assert_eq!(collected(&MESSAGES.replace(": Ir", ": Ir Dr Dw")), None);
        assert_eq!(collected(&MESSAGES.replace(": 5447789", ": 5447789 12 9")), None);
    }

    #[test]
    fn a_missing_valgrind_is_an_error_with_a_remedy() {
        let error = Valgrind::at(None).unwrap_err().to_string();
        assert!(error.contains("apt install valgrind"), "{error}");
        let error = Valgrind::at(Some("/no/valgrind".into())).unwrap_err().to_string();
        assert!(error.contains("/no/valgrind"), "{error}");
    }

    #[test]
    fn the_count_in_the_middle_counts() {
        let count = Count::new(vec![1030, 1000, 1010]);
        assert_eq!((count.instructions(), count.spread()), (1010, 3.0));
        let exact = Count::new(vec![7, 7]);
        assert_eq!((exact.instructions(), exact.spread()), (7, 0.0));
    }

    fn printed(checksum: &str) -> Printed {
        Printed { checksum: checksum.into(), allocated: None, futures: vec![] }
    }

    /// Repeats a count that gives the numbers of `counts` in turn, and fails after the last.
    fn repeat_over(counts: &[u64]) -> Option<Count> {
        let mut counts = counts.iter();
        let count_once = || Ok((*counts.next().context("no more")?, printed("1")));
        repeat(count_once).ok().map(|(all, _)| all)
    }

    #[test]
    fn what_is_exact_is_counted_twice() {
        assert_eq!(repeat_over(&[3, 3]), Some(Count::new(vec![3, 3])));
        assert_eq!(repeat_over(&[3]), None);
    }

    #[test]
    fn what_is_not_is_counted_more_often() {
        assert_eq!(repeat_over(&[3, 1, 3, 3]), None);
        assert_eq!(repeat_over(&[3, 1, 3, 3, 5]).unwrap().all, [1, 3, 3, 3, 5]);
    }

    #[test]
    fn another_checksum_is_an_error() {
        let mut lines = ["1", "2"].into_iter().map(printed);
        let error = repeat(|| Ok((3, lines.next().unwrap()))).unwrap_err().to_string();
        assert!(error.contains(r#""1""#) && error.contains("and then to Printed"), "{error}");
    }
}
