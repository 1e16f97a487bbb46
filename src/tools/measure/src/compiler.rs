//! The compiler under measurement: what it is, and which passes it knows.
//!
//! A measurement of a compiler without the flag, or with a pass that it does not know, would show
//! no difference instead of an error. So the compiler is asked before anything is built.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail};

use crate::panic_strategy::PanicStrategy;
use crate::passes::{FLAG, PASSES};

/// What to do about a compiler that is missing or does not know the flag.
const REMEDY: &str = "build the compiler with `./x.py build`, or name another with `--rustc`";

/// A rustc that knows the flag.
#[derive(Debug)]
pub struct Compiler {
    /// The program, as cargo gets it in `RUSTC`.
    pub path: PathBuf,
    /// The first line of `rustc -vV`.
    pub version: String,
    /// The triple of the machine that the compiler runs on.
    pub host: String,
    /// The folder with the compiler's libraries.
    pub sysroot: PathBuf,
    /// The names of the passes in [`PASSES`] that it knows, in that order.
    pub known_passes: Vec<&'static str>,
    /// What tells this compiler from the same one after it was built again.
    ///
    /// Cargo looks only at the version, which stays the same while a compiler is worked on. The
    /// stamp has the version, and the size and time of change of the program and of its library.
    pub stamp: String,
    /// The whole output of `rustc -vV`.
    verbose_version: String,
}

impl Compiler {
    /// Asks the compiler at `path`. Fails if it does not run or does not know the flag.
    pub fn ask(path: &Path) -> Result<Self> {
        let verbose_version = stdout_of(path, &["-vV"])?;
        let version = verbose_version.lines().next().unwrap_or_default().to_owned();
        let host = verbose_version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .with_context(|| format!("`{} -vV` names no host", path.display()))?
            .to_owned();
        let sysroot = PathBuf::from(stdout_of(path, &["--print=sysroot"])?.trim_end());
        let known_passes = known_passes(path)?;
        let stamp = stamp(path, &sysroot, &verbose_version);
        let path = path.to_owned();
        Ok(Compiler { path, version, host, sysroot, known_passes, stamp, verbose_version })
    }

    /// What a panic does in programs for `target` that do not say. Fails if the compiler does not
    /// know that target.
    pub fn usual_panic(&self, target: &str) -> Result<PanicStrategy> {
        let cfg = stdout_of(&self.path, &["--print=cfg", "--target", target])?;
        let aborts = cfg.lines().any(|line| line == r#"panic="abort""#);
        Ok(if aborts { PanicStrategy::Abort } else { PanicStrategy::Unwind })
    }

    /// Whether the compiler knows the unstable option `-Z flag`. Fails if it cannot be asked.
    pub fn knows(&self, flag: &str) -> Result<bool> {
        let help = stdout_of(&self.path, &["-Zhelp"])?;
        let options = help.lines().filter_map(|line| line.trim_start().strip_prefix("-Z"));
        Ok(options.filter_map(|option| option.split('=').next()).any(|name| name.trim() == flag))
    }

    /// Fails if the compiler was built again or removed since it was asked: binaries of two
    /// compilers cannot be compared.
    pub fn check_unchanged(&self) -> Result<()> {
        if stamp(&self.path, &self.sysroot, &self.verbose_version) != self.stamp {
            bail!("the compiler `{}` changed during the run; start again", self.path.display());
        }
        Ok(())
    }
}

/// What the compiler prints to stdout for `arguments`.
fn stdout_of(rustc: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(rustc)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot run the compiler `{}`; {REMEDY}", rustc.display()))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("`{} {}` failed\n{}", rustc.display(), arguments.join(" "), message.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The passes in [`PASSES`] that the compiler knows: it warns of the names that it does not.
fn known_passes(rustc: &Path) -> Result<Vec<&'static str>> {
    let switched_off: Vec<_> = PASSES.iter().map(|pass| format!("-{}", pass.name)).collect();
    let output = compile_one_function(
        rustc,
        &[format!("-Z{FLAG}=no"), format!("-Zmir-enable-passes={}", switched_off.join(","))],
    )?;
    let messages = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(PASSES
            .iter()
            .map(|pass| pass.name)
            .filter(|name| !is_unknown(&messages, name))
            .collect())
    } else if messages.contains("unknown unstable option") {
        bail!("the compiler `{}` does not know `-Z {FLAG}`; {REMEDY}", rustc.display())
    } else {
        bail!(
            "the compiler `{}` cannot compile with `-Z {FLAG}=no`\n{}",
            rustc.display(),
            messages.trim_end()
        )
    }
}

/// Whether the compiler's `messages` have the warning that it does not know the pass `name`.
fn is_unknown(messages: &str, name: &str) -> bool {
    let start = format!("warning: MIR pass `{name}` is unknown");
    messages.lines().any(|line| line.starts_with(&start))
}

/// Compiles a crate with one function; without a function no pass would run, and none be looked up.
fn compile_one_function(rustc: &Path, flags: &[String]) -> Result<Output> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut out_file = OsString::from("-o");
    out_file.push(folder.path().join("probe.rmeta"));
    let mut child = Command::new(rustc)
        .args(["--crate-name=probe", "--crate-type=lib", "--emit=metadata", "--color=never"])
        .arg(out_file)
        .args(flags)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run the compiler `{}`; {REMEDY}", rustc.display()))?;
    // A compiler that rejects a flag ends before it reads: the status tells, not this write.
    let mut input = child.stdin.take().context("the compiler has no input")?;
    let _ = input.write_all(b"pub fn probe() {}\n");
    drop(input);
    child.wait_with_output().context("cannot read what the compiler says")
}

/// The text for [`Compiler::stamp`]. A file that cannot be read adds nothing to it.
fn stamp(rustc: &Path, sysroot: &Path, verbose_version: &str) -> String {
    let mut files = vec![rustc.to_owned(), sysroot.join("bin").join("rustc")];
    if let Ok(entries) = fs::read_dir(sysroot.join("lib")) {
        files.extend(entries.flatten().map(|entry| entry.path()).filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("librustc_driver"))
        }));
    }
    files.sort();
    let mut stamp = verbose_version.to_owned();
    for file in files {
        let Ok(metadata) = fs::metadata(&file) else { continue };
        let changed =
            metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let nanoseconds = changed.map_or(0, |time| time.as_nanos());
        let _ = writeln!(stamp, "{} {} {nanoseconds}", file.display(), metadata.len());
    }
    stamp
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// Held while a script is written and run. A script cannot run while a file handle can write to
    /// it, and a child that another thread starts has that handle for a moment.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    /// Asks a script that answers as a compiler does, and runs `compile` when it is to compile.
    fn ask_script(compile: &str) -> Result<Compiler> {
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        Compiler::ask(&script(folder.path(), compile))
    }

    fn script(folder: &Path, compile: &str) -> PathBuf {
        let path = folder.join("rustc");
        let text = format!(
            "#!/bin/sh\ncase $1 in\n-vV) echo 'rustc 1.0'; echo 'host: here';;\n\
             --print=sysroot) echo {};;\n\
             -Zhelp) echo '    -Z    dump-mir=val -- dump MIR'; echo 'Z x=y';;\n\
             *) {compile};;\nesac\n",
            folder.display()
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn unknown_passes_are_left_out() {
        let compile = "echo 'warning: MIR pass `ElideNoAwait` is unknown and will be ignored' >&2\n\
                       echo 'note: valid MIR pass names are: `InlineAwait`' >&2";
        let compiler = ask_script(compile).unwrap();
        let others = PASSES.iter().map(|pass| pass.name).filter(|name| *name != "ElideNoAwait");
        assert_eq!(compiler.known_passes, others.collect::<Vec<_>>());
        assert_eq!((compiler.version.as_str(), compiler.host.as_str()), ("rustc 1.0", "here"));
    }

    #[test]
    fn options_are_known_by_their_whole_name() {
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let compiler = Compiler::ask(&script(folder.path(), "true")).unwrap();
        assert!(compiler.knows("dump-mir").unwrap());
        assert!(!compiler.knows("dump").unwrap() && !compiler.knows("x").unwrap());
    }

    #[test]
    fn a_compiler_without_the_flag_is_an_error_with_a_remedy() {
        let compile = "echo 'error: unknown unstable option: `async-returned-panic`' >&2; exit 1";
        let error = ask_script(compile).unwrap_err().to_string();
        assert!(error.contains("does not know `-Z async-returned-panic`"), "{error}");
        assert!(error.contains("./x.py build") && error.contains("--rustc"), "{error}");
    }

    #[test]
    fn another_failure_shows_what_the_compiler_says() {
        let error = ask_script("echo 'only on nightly' >&2; exit 1").unwrap_err().to_string();
        assert!(error.ends_with("only on nightly"), "{error}");
    }

    #[test]
    fn a_missing_compiler_is_an_error_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let error = Compiler::ask(&folder.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("./x.py build"), "{error}");
    }

    #[test]
    fn a_compiler_that_changes_is_an_error() {
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let path = script(folder.path(), "true");
        let compiler = Compiler::ask(&path).unwrap();
        compiler.check_unchanged().unwrap();
        fs::remove_file(&path).unwrap();
        assert!(compiler.check_unchanged().is_err());
    }

    #[test]
    fn the_stamp_changes_with_the_library() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lib")).unwrap();
        let library = folder.path().join("lib").join("librustc_driver-1.so");
        fs::write(&library, "one").unwrap();
        let before = stamp(Path::new("rustc"), folder.path(), "v");
        assert_eq!(before, stamp(Path::new("rustc"), folder.path(), "v"));
        fs::write(&library, "three").unwrap();
        assert_ne!(before, stamp(Path::new("rustc"), folder.path(), "v"));
    }
}
