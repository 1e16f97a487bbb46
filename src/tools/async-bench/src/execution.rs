//! Single runs of a program.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::output::Printed;

/// What is run: a program in one of its modes.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The executable.
    pub program: &'a Path,
    /// The mode.
    pub mode: &'a str,
    /// How many iterations of its work it does.
    pub iterations: u32,
}

impl Call<'_> {
    /// Runs the program, and returns how long it took and what it printed.
    ///
    /// The time is that from before the process is made to after it has ended.
    pub fn time(&self) -> Result<(Duration, Printed)> {
        let command = self.command(None)?;
        let start = Instant::now();
        let output = self.output(command)?;
        let duration = start.elapsed();
        Ok((duration, self.printed(&output.stdout)?))
    }

    /// Runs the program by means of `tool`, a program with its own arguments. Fails if one of the
    /// two does.
    pub fn run_by(&self, tool: Command) -> Result<Output> {
        self.output(self.command(Some(tool))?)
    }

    /// The command for the program, or that for `tool` with the program as its last arguments.
    ///
    /// The loader reads the environment and the path of the program, and what that costs is not to
    /// count. So the environment is empty, and the path is only a name in the current folder.
    fn command(&self, tool: Option<Command>) -> Result<Command> {
        let no_file = || format!("`{}` is no program", self.program.display());
        let folder = self.program.parent().with_context(no_file)?;
        let name = Path::new(".").join(self.program.file_name().with_context(no_file)?);
        let mut command = match tool {
            Some(mut tool) => {
                tool.arg(name);
                tool
            }
            None => Command::new(name),
        };
        command.arg(self.mode).arg(self.iterations.to_string());
        command.current_dir(folder).env_clear().stdin(Stdio::null());
        Ok(command)
    }

    fn output(&self, mut command: Command) -> Result<Output> {
        let output = command.output().with_context(|| format!("cannot run {}", self.line()))?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            bail!("{} failed ({})\n{}", self.line(), output.status, message.trim_end());
        }
        Ok(output)
    }

    /// What the program printed to `stdout`. Fails if it is not what a program is to print.
    pub fn printed(&self, stdout: &[u8]) -> Result<Printed> {
        let text = String::from_utf8_lossy(stdout);
        Printed::read(&text, self.mode).with_context(|| {
            format!("{} printed no checksum, or other than bytes: {text:?}", self.line())
        })
    }

    /// What it would be on a command line.
    pub fn line(&self) -> String {
        format!("`{} {} {}`", self.program.display(), self.mode, self.iterations)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn call(program: &str, mode: &'static str) -> Result<(Duration, Printed)> {
        Call { program: Path::new(program), mode, iterations: 7 }.time()
    }

    #[test]
    fn what_is_printed_is_read() {
        let (duration, printed) = call("/bin/echo", "sync").unwrap();
        assert_eq!(printed.checksum, "7");
        assert!(duration > Duration::ZERO);
    }

    #[test]
    fn tools_get_the_program_as_their_last_arguments() {
        let mut echo = Command::new("/bin/echo");
        echo.arg("--count");
        let call = Call { program: Path::new("/bin/true"), mode: "sync", iterations: 7 };
        let output = call.run_by(echo).unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "--count ./true sync 7\n");
    }

    #[test]
    fn what_is_printed_otherwise_is_an_error() {
        // `echo` takes the option, and prints only the number.
        let error = call("/bin/echo", "-n").unwrap_err().to_string();
        assert!(error.contains("`/bin/echo -n 7` printed no checksum"), "{error}");
    }

    #[test]
    fn failures_name_the_call() {
        let error = call("/bin/false", "sync").unwrap_err().to_string();
        assert!(error.contains("`/bin/false sync 7` failed"), "{error}");
        let error = call("/no/such/program", "sync").unwrap_err().to_string();
        assert!(error.contains("`/no/such/program sync 7`"), "{error}");
    }
}
