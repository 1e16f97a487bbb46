//! A run: threads that take seeds, judge their programs, and put down what they find.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use measure::compiler::Compiler;

use crate::execution;
use crate::finding::{Finding, Kind};
use crate::judge::Judge;
use crate::matrix::{self, Configuration};
use crate::progress::Progress;
use crate::report::Report;
use crate::workshop::{self, Tools, Workshop};

/// How many findings of a kind are reduced; the others are likely to be the same.
const REDUCED: usize = 10;

/// All that a run needs to know.
#[derive(Debug)]
pub struct Run {
    pub compiler: Compiler,
    pub tools: Tools,
    pub matrix: Vec<Configuration>,
    pub first_seed: u64,
    pub count: Option<u64>,
    pub time: Option<Duration>,
    pub jobs: usize,
    /// How many programs make one crate.
    pub batch: usize,
    pub stop_at_first: bool,
    /// Whether each batch is only built in a share of the matrix.
    pub thin: bool,
    pub memcheck: u32,
    /// The folder for findings.
    pub into: PathBuf,
}

/// What the threads of a run share.
struct Shared {
    next_seed: AtomicU64,
    done: AtomicU64,
    findings: Mutex<Vec<(Finding, PathBuf)>>,
    start: Instant,
    progress: Progress,
}

impl Run {
    /// Tries programs until there are no more to be tried, or the run is stopped.
    pub fn run(&self) -> Result<Report> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let mut tools = self.tools.clone();
        tools.choose_linker(folder.path());
        let tools = &tools;
        workshop::build_runtimes(tools, folder.path())?;
        let shared = Shared {
            next_seed: AtomicU64::new(self.first_seed),
            done: AtomicU64::new(0),
            findings: Mutex::default(),
            start: Instant::now(),
            progress: Progress::new(self.count),
        };
        let outcome: Result<Vec<()>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..self.jobs)
                .map(|job| {
                    let (shared, folder) = (&shared, folder.path());
                    scope.spawn(move || {
                        let outcome = self.judge_all(tools, shared, folder, job);
                        if outcome.is_err() {
                            execution::stop();
                        }
                        outcome
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
        });
        shared.progress.finish();
        outcome?;
        let mut findings = shared.findings.into_inner().unwrap_or_default();
        findings.sort_by_key(|(finding, _)| (finding.seed, finding.kind));
        Ok(Report {
            compiler: self.compiler.version.clone(),
            matrix: self.matrix.clone(),
            first_seed: self.first_seed,
            programs: shared.done.into_inner(),
            time: shared.start.elapsed(),
            findings,
            interrupted: execution::is_stopped(),
        })
    }

    /// What one thread does.
    fn judge_all(&self, tools: &Tools, shared: &Shared, folder: &Path, job: usize) -> Result<()> {
        let is_worth_reducing = |kind: Kind| {
            let findings = shared.findings.lock();
            let of_kind = findings.map_or(0, |findings| {
                findings.iter().filter(|(finding, _)| finding.kind == kind).count()
            });
            of_kind < REDUCED
        };
        let mut judge = Judge {
            workshop: Workshop::open(tools, folder, &format!("job-{job}"))?,
            matrix: self.matrix.clone(),
            memcheck: self.memcheck,
            stop_at_first: self.stop_at_first,
            is_worth_reducing: &is_worth_reducing,
        };
        while let Some(seeds) = self.take_seeds(shared) {
            if self.thin {
                let turn = (seeds[0] - self.first_seed) / self.batch() as u64;
                judge.matrix = matrix::share(&self.matrix, turn as usize);
            }
            let Some(found) = judge.judge(&seeds)? else { return Ok(()) };
            self.compiler.check_unchanged()?;
            let count = found.len();
            for finding in found {
                let folder = finding.write(tools, &self.into)?;
                shared.progress.say(&format!("{}\n    {}", finding.summary(), folder.display()));
                if let Ok(mut findings) = shared.findings.lock() {
                    findings.push((finding, folder));
                }
            }
            shared.done.fetch_add(seeds.len() as u64, Ordering::Relaxed);
            shared.progress.add(seeds.len() as u64, count);
            if count > 0 && self.stop_at_first {
                execution::stop();
            }
        }
        Ok(())
    }

    /// The next seeds to try; none if there are no more, or no more time.
    fn take_seeds(&self, shared: &Shared) -> Option<Vec<u64>> {
        let is_late = self.time.is_some_and(|time| shared.start.elapsed() >= time);
        if is_late || execution::is_stopped() {
            return None;
        }
        let batch = self.batch() as u64;
        let first = shared.next_seed.fetch_add(batch, Ordering::Relaxed);
        let end = self.count.map_or(u64::MAX, |count| self.first_seed.saturating_add(count));
        let seeds: Vec<_> = (first..first.saturating_add(batch).min(end)).collect();
        (!seeds.is_empty()).then_some(seeds)
    }

    /// How many programs to take at once: so few that all threads get some.
    fn batch(&self) -> usize {
        let share = self.count.map_or(u64::MAX, |count| count.div_ceil(self.jobs as u64));
        self.batch.min(usize::try_from(share).unwrap_or(usize::MAX)).max(1)
    }
}
