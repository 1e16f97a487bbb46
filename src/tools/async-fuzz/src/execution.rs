//! Running other programs, with a time limit, and no longer than until Ctrl-C.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How often a program is asked whether it has ended.
const INTERVAL: Duration = Duration::from_millis(3);

/// Ctrl-C has been pressed, or enough has been found.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Whether the run is to end.
pub fn is_stopped() -> bool {
    STOPPED.load(Ordering::Relaxed)
}

/// Ends the run as soon as may be.
pub fn stop() {
    STOPPED.store(true, Ordering::Relaxed);
}

/// How a program ended.
#[derive(Debug)]
pub struct Execution {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// It took too long, and was ended.
    pub timed_out: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `command`; what it prints goes through files in `folder`. Gives none if the run is to end.
pub fn run(mut command: Command, limit: Duration, folder: &Path) -> Result<Option<Execution>> {
    if is_stopped() {
        return Ok(None);
    }
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| folder.join(name));
    let create = |path| File::create(path).with_context(|| format!("cannot write in {folder:?}"));
    command.stdin(Stdio::null()).stdout(create(&stdout)?).stderr(create(&stderr)?);
    let program = command.get_program().to_owned();
    let mut child =
        command.spawn().with_context(|| format!("cannot run `{}`", program.display()))?;
    let start = Instant::now();
    let mut timed_out = false;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        timed_out = start.elapsed() > limit;
        if timed_out || is_stopped() {
            let _ = child.kill();
            break child.wait()?;
        }
        thread::sleep(INTERVAL);
    };
    // Ctrl-C ends the child, too; what it came to then means nothing.
    if is_stopped() {
        return Ok(None);
    }
    let read = |path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let (stdout, stderr) = (read(stdout)?, read(stderr)?);
    Ok(Some(Execution { code: status.code(), timed_out, stdout, stderr }))
}
