//! How far a run is: a line on a terminal that changes, else a line now and then. Both on stderr.

use std::io::{IsTerminal as _, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// What the line looks like if it is known how many programs there are, and if it is not.
const WITH_COUNT: &str = "{elapsed_precise} [{bar:16}] {pos}/{len} programs{msg}";
const WITHOUT_COUNT: &str = "{elapsed_precise} {pos} programs{msg}";

/// How often there is a line where none can change.
const INTERVAL: Duration = Duration::from_secs(20);

/// Tells of the programs that are done.
pub struct Progress {
    bar: Option<ProgressBar>,
    count: Option<u64>,
    start: Instant,
    state: Mutex<State>,
}

struct State {
    done: u64,
    findings: usize,
    told: Instant,
}

impl Progress {
    /// Begins a run of so many programs.
    pub fn new(count: Option<u64>) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(count.unwrap_or(0));
            let template = if count.is_some() { WITH_COUNT } else { WITHOUT_COUNT };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        let start = Instant::now();
        let state = Mutex::new(State { done: 0, findings: 0, told: start });
        Progress { bar, count, start, state }
    }

    /// So many more programs are done, with so many findings.
    pub fn add(&self, programs: u64, findings: usize) {
        let Ok(mut state) = self.state.lock() else { return };
        state.done += programs;
        state.findings += findings;
        let hours = self.start.elapsed().as_secs_f64() / 3600.0;
        let rate = state.done as f64 / hours.max(0.0001);
        let message = format!(", {rate:.0} an hour, {} findings", state.findings);
        if let Some(bar) = &self.bar {
            bar.set_position(state.done);
            bar.set_message(message);
        } else if state.told.elapsed() >= INTERVAL || findings > 0 {
            let of = self.count.map(|count| format!("/{count}")).unwrap_or_default();
            eprintln!("[{}{of}] programs{message}", state.done);
            state.told = Instant::now();
        }
    }

    /// Shows a message above the line.
    pub fn say(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{message}")),
            None => eprintln!("{message}"),
        }
    }

    /// Ends the run and takes the line away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
