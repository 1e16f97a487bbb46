//! A run: threads that take seeds, judge their programs, and put down what they find.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use measure::compiler::Compiler;

use crate::execution;
use crate::finding::{Finding, Kind};
use crate::judge::Judge;
use crate::matrix::{self, Configuration, Turns};
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
    /// Which share of the matrix each batch sees.
    pub turns: Turns,
    /// Whether futures are not to be larger with the passes.
    pub sizes: bool,
    pub memcheck: u32,
    /// The folder for findings.
    pub into: PathBuf,
}

/// What the threads of a run share.
struct Shared {
    next_seed: AtomicU64,
    done: AtomicU64,
    /// How many builds the share had that had the most of them.
    most_builds: AtomicUsize,
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
            most_builds: AtomicUsize::new(0),
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
            builds_each: 1 + shared.most_builds.into_inner(),
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
            sizes: self.sizes,
            stop_at_first: self.stop_at_first,
            is_worth_reducing: &is_worth_reducing,
        };
        while let Some(seeds) = self.take_seeds(shared) {
            judge.matrix = matrix::share(&self.matrix, self.turns, self.seeds().turn(seeds[0]));
            shared.most_builds.fetch_max(judge.matrix.len(), Ordering::Relaxed);
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
        let seeds = self.seeds();
        let next = |first| Some(seeds.batch(first).end);
        let first = shared.next_seed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let batch: Vec<_> = seeds.batch(first.unwrap_or_else(|first| first)).collect();
        (!batch.is_empty()).then_some(batch)
    }

    fn seeds(&self) -> Seeds {
        let share = self.count.map_or(u64::MAX, |count| count.div_ceil(self.jobs as u64));
        Seeds {
            batch: (self.batch as u64).max(1),
            share: share.max(1),
            end: self.count.map_or(u64::MAX, |count| self.first_seed.saturating_add(count)),
        }
    }
}

/// Which seeds are tried together.
struct Seeds {
    /// How many programs make one crate.
    batch: u64,
    /// How many there are for each thread. So all get some.
    share: u64,
    /// The seed behind the last.
    end: u64,
}

impl Seeds {
    /// The turn of the program with this seed. It depends on nothing but the size of a batch, so
    /// that another run sees the program in the same builds.
    fn turn(&self, seed: u64) -> u64 {
        seed / self.batch
    }

    /// The seeds that are taken together, from `first` on. All have the same turn.
    fn batch(&self, first: u64) -> Range<u64> {
        let end_of_turn = (self.turn(first) + 1).saturating_mul(self.batch);
        let end = first.saturating_add(self.batch.min(self.share));
        first..end.min(end_of_turn).min(self.end).max(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The batches from `first` on.
    fn batches(seeds: &Seeds, first: u64) -> Vec<Range<u64>> {
        let mut batches = vec![seeds.batch(first)];
        while let Some(last) = batches.last().filter(|last| !last.is_empty()) {
            let next = seeds.batch(last.end);
            batches.push(next);
        }
        batches.pop();
        batches
    }

    #[test]
    fn a_batch_ends_where_its_turn_does() {
        let seeds = Seeds { batch: 240, share: 1000, end: 2000 };
        assert_eq!(
            batches(&seeds, 1000),
            [1000..1200, 1200..1440, 1440..1680, 1680..1920, 1920..2000]
        );
        let seeds = Seeds { batch: 240, share: 150, end: 300 };
        assert_eq!(batches(&seeds, 0), [0..150, 150..240, 240..300]);
        assert!(seeds.batch(300).is_empty() && seeds.batch(400).is_empty());
    }

    #[test]
    fn a_program_has_the_same_turn_in_every_run() {
        let whole = Seeds { batch: 240, share: 1000, end: u64::MAX };
        let alone = Seeds { batch: 240, share: 1, end: 4712 };
        assert_eq!(alone.batch(4711), 4711..4712);
        let batch = batches(&Seeds { end: 6000, ..whole }, 17)
            .into_iter()
            .find(|batch| batch.contains(&4711))
            .unwrap();
        assert_eq!(alone.turn(4711), alone.turn(batch.start));
        assert_ne!(alone.turn(4711), alone.turn(batch.end));
    }
}
