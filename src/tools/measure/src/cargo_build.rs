//! Calls of `cargo build`, and what they make.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};
use cargo_metadata::Message;
use serde_json::Value;

use crate::opt_level::OptLevel;
use crate::panic_strategy::PanicStrategy;
use crate::project::{Project, Unit};
use crate::rustflags;

/// What all builds of a run have in common.
#[derive(Debug)]
pub struct CargoBuild {
    /// The program cargo.
    pub cargo: OsString,
    /// The compiler.
    pub rustc: PathBuf,
    /// The release profile of the builds.
    pub profile: Profile,
    /// How many jobs cargo may run at once, if not as many as it wants.
    pub jobs: Option<NonZeroUsize>,
    /// Whether cargo's messages go to stderr while it builds.
    pub verbose: bool,
}

/// A release profile, but for the optimization level and the panic strategy, which a [`Job`] has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Profile {
    /// All crates of a program are optimized together, as those of firmware that has to be small.
    FatLto,
    /// Every crate is optimized alone, in one unit.
    NoLto,
    /// That of the project.
    Own,
}

/// What one build is to make.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The package and its binaries.
    pub unit: &'a Unit,
    /// The triple to build for.
    pub target: &'a str,
    /// The optimization level.
    pub level: OptLevel,
    /// What the programs do when they panic.
    pub panic: PanicStrategy,
    /// The flags for rustc.
    pub rustflags: &'a [String],
    /// The folder to build in.
    pub folder: &'a Path,
}

/// What came of one build.
#[derive(Debug, Default)]
pub struct Built {
    /// The executables that were built, by the names of the binaries.
    pub executables: BTreeMap<String, PathBuf>,
    /// Whether cargo was content.
    pub success: bool,
    /// Cargo's messages; empty if they went to stderr.
    pub messages: String,
}

impl Built {
    fn from_output(output: &Output, job: Job<'_>) -> Self {
        Built {
            executables: executables(&output.stdout, &job.unit.package_id),
            success: output.status.success(),
            messages: String::from_utf8_lossy(&output.stderr).trim_end().to_owned(),
        }
    }
}

impl CargoBuild {
    /// Builds the binaries of `job`, which is of `project`.
    ///
    /// A program that does not compile is no error here: [`Built`] tells. An error is when cargo
    /// cannot be run at all.
    pub fn run(&self, project: &Project, job: Job<'_>) -> Result<Built> {
        let stderr = if self.verbose { Stdio::inherit() } else { Stdio::piped() };
        let mut command = self.command(project, job, "build", self.jobs);
        command.stderr(stderr);
        Ok(Built::from_output(&self.output_of(command)?, job))
    }

    /// Checks the binaries of `job`, and has the compiler write a log of what `filter` lets
    /// through, each line as JSON. It is among the [messages](Built::messages), for one crate after
    /// the other, and only for those that were not checked in the same folder before.
    ///
    /// An error is the same as that of [`CargoBuild::run`].
    pub fn check_with_log(&self, project: &Project, job: Job<'_>, filter: &str) -> Result<Built> {
        let mut command = self.command(project, job, "check", Some(NonZeroUsize::MIN));
        command.env("RUSTC_LOG", filter).env("RUSTC_LOG_FORMAT_JSON", "1");
        command.stderr(Stdio::piped());
        let output = self.output_of(command)?;
        let mut built = Built::from_output(&output, job);
        for event in log_events(&output.stdout) {
            built.messages.push('\n');
            built.messages.push_str(&event);
        }
        Ok(built)
    }

    fn output_of(&self, mut command: Command) -> Result<Output> {
        command
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run `{}`", self.cargo.display()))
    }

    /// The call of cargo for the job; the `verb` is `build` or `check`.
    fn command(
        &self,
        project: &Project,
        job: Job<'_>,
        verb: &str,
        jobs: Option<NonZeroUsize>,
    ) -> Command {
        let mut command = Command::new(&self.cargo);
        // The configuration in `.cargo` of the project holds only for a call from there.
        command.current_dir(project.manifest.parent().unwrap_or(&project.root));
        command.env("RUSTC", &self.rustc);
        command.env("CARGO_INCREMENTAL", "0");
        command.args([verb, "--release", "--keep-going"]);
        command.arg("--message-format=json-render-diagnostics");
        command.arg("--manifest-path").arg(&project.manifest);
        command.arg("--target-dir").arg(job.folder);
        command.args(["--target", job.target, "--package", &job.unit.package_id]);
        for binary in &job.unit.binaries {
            command.args(["--bin", binary]);
        }
        if !job.unit.features.is_empty() {
            command.args(["--features", &job.unit.features.join(",")]);
        }
        if project.root.join("Cargo.lock").is_file() {
            command.arg("--locked");
        }
        if !self.verbose {
            command.arg("--quiet");
        }
        if let Some(jobs) = jobs {
            command.args(["--jobs", &jobs.to_string()]);
        }
        for (key, value) in self.profile.settings(job.level, job.panic) {
            command.args(["--config", &format!("profile.release.{key}={value}")]);
        }
        rustflags::add(&mut command, job.target, job.rustflags);
        command
    }
}

impl Profile {
    /// The settings that make a project's release profile this one, as cargo takes them. Entries of
    /// the project for single packages still hold.
    fn settings(self, level: OptLevel, panic: PanicStrategy) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("opt-level", level.toml()),
            ("panic", format!("\"{panic}\"")),
            // The names of the functions are read from the programs.
            ("strip", "false".into()),
        ];
        let lto = match self {
            Profile::FatLto => "\"fat\"",
            Profile::NoLto => "\"off\"",
            Profile::Own => return settings,
        };
        settings.extend([
            ("lto", lto.into()),
            ("codegen-units", "1".into()),
            ("debug", "false".into()),
        ]);
        settings
    }
}

/// The binaries of a package among the artifacts that cargo's `output` has. Other lines, which a
/// compiler or a build may print, are passed over.
fn executables(output: &[u8], package_id: &str) -> BTreeMap<String, PathBuf> {
    Message::parse_stream(output)
        .filter_map(|message| match message {
            Ok(Message::CompilerArtifact(artifact)) => Some(artifact),
            _ => None,
        })
        .filter(|artifact| artifact.package_id.repr == package_id && artifact.target.is_bin())
        .filter_map(|artifact| Some((artifact.target.name, artifact.executable?.into())))
        .collect()
}

/// The lines of the compiler's log in cargo's `output`. Cargo takes all JSON that the compiler
/// writes for messages, and passes on what it does not know.
fn log_events(output: &[u8]) -> Vec<String> {
    output
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter(|line| line["reason"] == "compiler-message")
        .map(|mut line| line["message"].take())
        .filter(|message| message["fields"].is_object())
        .map(|event| event.to_string())
        .collect()
}

/// The program cargo: what `CARGO` names, else the one in `PATH`.
pub fn cargo_from_environment() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| OsStr::new("cargo").into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_executables_of_the_package_count() {
        let artifact = |package: &str, name: &str, kind: &str| {
            json!({
                "reason": "compiler-artifact",
                "package_id": package,
                "manifest_path": "/p/Cargo.toml",
                "target": {
                    "name": name, "kind": [kind], "crate_types": [kind], "src_path": "/p/main.rs",
                },
                "profile": {
                    "opt_level": "z", "debuginfo": 0, "debug_assertions": false,
                    "overflow_checks": false, "test": false,
                },
                "features": [],
                "filenames": [],
                "executable": (kind == "bin").then(|| format!("/t/{name}")),
                "fresh": false,
            })
        };
        let output = [
            "text of a program".to_owned(),
            artifact("p", "app", "bin").to_string(),
            artifact("p", "lib", "lib").to_string(),
            artifact("q", "other", "bin").to_string(),
            json!({"reason": "build-finished", "success": true}).to_string(),
        ];
        let found = executables(output.join("\n").as_bytes(), "p");
        assert_eq!(found, BTreeMap::from([("app".to_owned(), PathBuf::from("/t/app"))]));
    }

    #[test]
    fn the_log_is_what_cargo_does_not_know() {
        let event = json!({"target": "rustc_mir_transform", "fields": {"message": "are merged"}});
        let message = |message: &Value| {
            json!({"reason": "compiler-message", "package_id": "p", "message": message}).to_string()
        };
        let output = [
            "text of a program".to_owned(),
            message(&json!({"rendered": "warning: unused", "level": "warning"})),
            message(&event),
            json!({"reason": "build-finished", "success": true}).to_string(),
        ];
        assert_eq!(log_events(output.join("\n").as_bytes()), [event.to_string()]);
    }

    #[test]
    fn the_command_has_the_job_and_the_profile() {
        let unit = Unit {
            package: "nrf".into(),
            package_id: "path#nrf".into(),
            targets: vec![],
            features: vec!["ble".into(), "usb".into()],
            binaries: vec!["blinky".into(), "hub".into()],
        };
        let project =
            Project { manifest: "/p/Cargo.toml".into(), root: "/p".into(), units: vec![] };
        let build = CargoBuild {
            cargo: "cargo".into(),
            rustc: "/c/rustc".into(),
            profile: Profile::FatLto,
            jobs: NonZeroUsize::new(2),
            verbose: false,
        };
        let job = Job {
            unit: &unit,
            target: "thumbv6m-none-eabi",
            level: OptLevel::Z,
            panic: PanicStrategy::Abort,
            rustflags: &["-Zx=no".into()],
            folder: Path::new("/t/on-z"),
        };
        let command = build.command(&project, job, "build", build.jobs);
        let arguments: Vec<_> = command.get_args().map(|text| text.to_str().unwrap()).collect();
        let line = format!(" {} ", arguments.join(" "));
        for part in [
            "build --release",
            "--target thumbv6m-none-eabi --package path#nrf",
            "--bin blinky --bin hub",
            "--features ble,usb",
            "--target-dir /t/on-z",
            "--jobs 2",
            "--config profile.release.opt-level=\"z\"",
            "--config profile.release.lto=\"fat\"",
            "--config profile.release.codegen-units=1",
            "--config profile.release.panic=\"abort\"",
            "--config profile.release.debug=false",
            "--config profile.release.strip=false",
        ] {
            assert!(line.contains(&format!(" {part} ")), "{part} is not in {line}");
        }
        assert!(!line.contains("--locked"), "{line}");
        let without_lto = Profile::NoLto.settings(OptLevel::Z, PanicStrategy::Unwind);
        assert!(without_lto.contains(&("lto", "\"off\"".to_owned())));
        assert!(without_lto.contains(&("panic", "\"unwind\"".to_owned())));
        let rustc = command.get_envs().find(|(name, _)| *name == "RUSTC").unwrap();
        assert_eq!(rustc.1, Some(OsStr::new("/c/rustc")));
    }

    #[test]
    fn the_own_profile_is_changed_only_where_it_is_asked_for() {
        let own = Profile::Own.settings(OptLevel::O3, PanicStrategy::Abort);
        let names: Vec<_> = own.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["opt-level", "panic", "strip"]);
    }
}
