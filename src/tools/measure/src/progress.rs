//! How far a run is: a bar on a terminal, else a line per step. Both are on stderr.

use std::io::{IsTerminal as _, stderr};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressFinish, ProgressStyle};

/// What the bar looks like.
const TEMPLATE: &str = "{elapsed_precise} [{bar:16}] {pos}/{len} {wide_msg}";

/// How often the time on the bar goes on.
const TICK: Duration = Duration::from_millis(500);

/// Tells of the steps of a run.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    begun: usize,
    start: Instant,
}

impl Progress {
    /// Begins a run of `total` steps. With `plain`, there are lines even on a terminal, as a bar
    /// would be torn by what others write there.
    pub fn new(total: usize, plain: bool) -> Self {
        let bar = (!plain && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(total as u64).with_finish(ProgressFinish::AndClear);
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(TICK);
            bar
        });
        Progress { bar, total, begun: 0, start: Instant::now() }
    }

    /// Begins the next step, and ends the one before.
    pub fn begin(&mut self, step: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(self.begun as u64);
            bar.set_message(step.to_owned());
        } else {
            eprintln!("[{}/{}] {step}", self.begun + 1, self.total);
        }
        self.begun += 1;
    }

    /// Shows a message above the bar.
    pub fn say(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{message}")),
            None => eprintln!("{message}"),
        }
    }

    /// Ends the run and takes the bar away.
    pub fn finish(self) {
        match self.bar {
            Some(bar) => bar.finish_and_clear(),
            None => eprintln!("done in {}", HumanDuration(self.start.elapsed())),
        }
    }
}
