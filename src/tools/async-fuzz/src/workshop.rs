//! Where programs are compiled and run.
//!
//! The runtime is compiled once per panic strategy, with the flag off. Then many programs make one
//! crate, since to start the compiler and to link takes longer than to compile one of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use measure::panic_strategy::PanicStrategy;
use measure::passes::Variant;

use crate::execution::{self, Execution};
use crate::matrix::{Configuration, Memcheck};
use crate::print::{self, AUXILIARY, RUNTIME, Split};
use crate::program::Program;
use crate::runtime;
use crate::told::{self, ToldOf};
use crate::trace::{self, Endings};

/// What the programs need of the language that is not stable.
const FEATURES: &str = "#![feature(async_fn_traits, fundamental)]\n#![allow(internal_features)]\n";

/// How long the compiler may take for a crate.
const COMPILE_LIMIT: Duration = Duration::from_secs(120);

/// How long all programs of a crate may take. Each scenario has a limit of its own.
const RUN_LIMIT: Duration = Duration::from_secs(300);

/// What all programs are compiled with.
const COMMON: [&str; 3] = ["--edition=2024", "-Cdebuginfo=0", "-Ccodegen-units=1"];

/// What they are compiled with unless the compiler is to tell its warnings.
const NO_WARNINGS: &str = "--cap-lints=allow";

/// The compiler, and what it is called with.
#[derive(Clone, Debug)]
pub struct Tools {
    pub rustc: PathBuf,
    /// A shared library that the compiler gets its memory from.
    pub allocator: Option<PathBuf>,
    /// Flags that check what the compiler does.
    pub checks: Vec<String>,
    /// LLVM's linker, which is faster than the usual one, if there is one.
    pub lld: Option<PathBuf>,
    /// Flags that choose the linker; see [`Tools::choose_linker`].
    pub linker: Vec<String>,
    /// Whether the compiler knows the flags of variants.
    pub has_passes: bool,
    /// `valgrind`, if programs are to be run by it.
    pub valgrind: Option<PathBuf>,
}

impl Tools {
    /// Has programs linked by LLVM's linker, if there is one. Compilers look for it by its name, in
    /// the `folder` if they are told to.
    pub fn choose_linker(&mut self, folder: &Path) {
        let Some(lld) = &self.lld else { return };
        if cfg!(unix) && std::os::unix::fs::symlink(lld, folder.join("ld.lld")).is_ok() {
            self.linker = vec![
                "-Clink-arg=-fuse-ld=lld".into(),
                format!("-Clink-arg=-B{}", folder.display()),
            ];
        }
    }

    /// A call of the compiler. One that crashes is to leave no file of its own where we are.
    fn compiler(&self) -> Command {
        let mut command = Command::new(&self.rustc);
        // The tests take the compiler that there is, which may be a stable one.
        command.env("RUSTC_ICE", "0").env("RUSTC_BOOTSTRAP", "1").args(COMMON);
        if let Some(library) = &self.allocator {
            command.env("LD_PRELOAD", library);
        }
        command
    }

    /// The call of the compiler for the runtime, which is in the file `source`.
    fn for_runtime(&self, panics: PanicStrategy, source: &Path) -> Command {
        let mut command = self.compiler();
        command.args([NO_WARNINGS, "-Copt-level=2", "--crate-type=rlib"]);
        command.arg(format!("-Cpanic={}", panics.name()));
        command.args(["--crate-name", RUNTIME]).arg(source);
        command
    }

    /// The call for the functions that are auxiliary, which are in the file `source`.
    fn for_auxiliary(
        &self,
        variant: &Variant,
        configuration: &Configuration,
        source: &Path,
        runtime: &Path,
    ) -> Command {
        let mut command = self.rustc(variant, configuration);
        command.args(["--crate-type=rlib", "--crate-name", AUXILIARY]).arg(source);
        command.arg("--extern").arg(with_path("runtime=", runtime));
        command
    }

    /// The calls that make `name` of the files of a [program](texts) in the same folder.
    pub fn calls(&self, configuration: &Configuration, name: &str) -> Vec<Command> {
        let mut command = self.rustc(&configuration.variant, configuration);
        command.args(["program.rs", "-o", name]);
        let Some(variant) = &configuration.auxiliary else { return vec![command] };
        let runtime = Path::new("libruntime.rlib");
        command.args(["--extern", "runtime=libruntime.rlib"]);
        command.args(["--extern", "auxiliary=libauxiliary.rlib", "-L", "."]);
        vec![
            self.for_runtime(configuration.panics, Path::new("runtime.rs")),
            self.for_auxiliary(variant, configuration, Path::new("auxiliary.rs"), runtime),
            command,
        ]
    }

    /// The call of the compiler for the `source` with the `variant`.
    pub fn rustc(&self, variant: &Variant, configuration: &Configuration) -> Command {
        let mut command = self.compiler();
        command.args(&self.linker);
        if configuration.is_checked {
            command.args(&self.checks);
        }
        command.arg(format!("-Copt-level={}", configuration.level));
        command.arg(format!("-Cpanic={}", configuration.panics.name()));
        if configuration.memcheck == Memcheck::WithoutLlvm {
            command.arg("-Cno-prepopulate-passes");
        }
        if self.has_passes {
            command.args(&variant.rustflags);
        }
        if self.has_passes && configuration.tells {
            command.args(told::FLAGS);
        } else {
            command.arg(NO_WARNINGS);
        }
        command
    }
}

/// A folder to compile and run in, for one thread.
#[derive(Debug)]
pub struct Workshop {
    pub tools: Tools,
    folder: PathBuf,
    /// The folder with the runtimes.
    runtimes: PathBuf,
}

/// What the compiler made of programs.
#[derive(Debug)]
pub enum Built {
    /// A program that runs them, and what was told of them.
    Binary(PathBuf, ToldOf),
    /// Nothing, and said this.
    Refused(String),
    /// The run is to end.
    Stopped,
}

/// Compiles the runtimes into `folder`.
pub fn build_runtimes(tools: &Tools, folder: &Path) -> Result<()> {
    let source = folder.join("runtime.rs");
    fs::write(&source, runtime::text()).with_context(|| cannot_write(&source))?;
    for panics in [PanicStrategy::Unwind, PanicStrategy::Abort] {
        let into = folder.join(panics.name());
        fs::create_dir_all(&into).with_context(|| cannot_write(&into))?;
        let mut command = tools.for_runtime(panics, &source);
        command.arg("--out-dir").arg(&into);
        let Some(execution) = execution::run(command, COMPILE_LIMIT, folder)? else {
            return Ok(());
        };
        if execution.code != Some(0) {
            bail!(
                "the compiler `{}` cannot compile the runtime of programs\n{}",
                tools.rustc.display(),
                execution.stderr
            );
        }
    }
    Ok(())
}

impl Workshop {
    /// A place to work at in the new folder `name` of `parent`, which has the runtimes.
    pub fn open(tools: &Tools, parent: &Path, name: &str) -> Result<Self> {
        let folder = parent.join(name);
        fs::create_dir_all(&folder).with_context(|| cannot_write(&folder))?;
        Ok(Workshop { tools: tools.clone(), folder, runtimes: parent.to_owned() })
    }

    /// Compiles programs to one binary.
    pub fn build(&self, programs: &[&Program], configuration: &Configuration) -> Result<Built> {
        let library = self.runtimes.join(configuration.panics.name()).join("libruntime.rlib");
        let split = match &configuration.auxiliary {
            Some(variant) => {
                let source = self.write("auxiliary.rs", &auxiliary_crate(programs))?;
                let mut command =
                    self.tools.for_auxiliary(variant, configuration, &source, &library);
                command.arg("--out-dir").arg(&self.folder);
                match self.compile(command, "")? {
                    Built::Binary(..) => {}
                    other => return Ok(other),
                }
                Split::Yes
            }
            None => Split::No,
        };
        let mut command = self.tools.rustc(&configuration.variant, configuration);
        let text = programs_crate(programs, split);
        let source = self.write("programs.rs", &text)?;
        command.arg(source).arg("-o").arg(self.binary());
        command.arg("--extern").arg(with_path("runtime=", &library));
        if split == Split::Yes {
            let auxiliary = self.folder.join(format!("lib{AUXILIARY}.rlib"));
            command.arg("--extern").arg(with_path("auxiliary=", &auxiliary));
            command.arg("-L").arg(self.runtimes.join(configuration.panics.name()));
        }
        self.compile(command, &text)
    }

    /// Compiles the text of a whole program.
    pub fn build_text(&self, text: &str, configuration: &Configuration) -> Result<Built> {
        let mut command = self.tools.rustc(&configuration.variant, configuration);
        let source = self.write("programs.rs", text)?;
        command.arg(source).arg("-o").arg(self.binary());
        self.compile(command, text)
    }

    /// Compiles the crate with the `text`.
    fn compile(&self, command: Command, text: &str) -> Result<Built> {
        let _ = fs::remove_file(self.binary());
        let Some(execution) = execution::run(command, COMPILE_LIMIT, &self.folder)? else {
            return Ok(Built::Stopped);
        };
        Ok(match execution.code {
            Some(0) => {
                let told = told::read(text, &execution.stdout, &execution.stderr);
                Built::Binary(self.binary(), told)
            }
            _ if execution.timed_out => Built::Refused(HANGS.into()),
            code => Built::Refused(format!("{}(exit code {code:?})\n", execution.stderr)),
        })
    }

    /// Runs all programs of the binary; none if the run is to end.
    pub fn run(&self, binary: &Path) -> Result<Option<Endings>> {
        let execution = execution::run(Command::new(binary), RUN_LIMIT, &self.folder)?;
        Ok(execution.map(|execution| trace::read(&execution.stdout)))
    }

    /// The full trace of one program in a scenario.
    pub fn full_trace(&self, binary: &Path, scenario: usize) -> Result<Option<String>> {
        let mut command = Command::new(binary);
        command.args(["trace", "0", &scenario.to_string()]);
        let execution = execution::run(command, RUN_LIMIT, &self.folder)?;
        Ok(execution.map(|Execution { code, stdout, .. }| match code {
            Some(_) => stdout,
            None => format!("{stdout}  (a signal ended the process)\n"),
        }))
    }

    /// What memcheck has against these programs of the binary, if anything.
    pub fn memcheck(&self, binary: &Path, programs: &[usize]) -> Result<Option<String>> {
        let Some(valgrind) = &self.tools.valgrind else { return Ok(None) };
        let mut command = Command::new(valgrind);
        let programs: Vec<_> = programs.iter().map(ToString::to_string).collect();
        command.args(["-q", "--error-exitcode=77", "--leak-check=no"]);
        command.arg(binary).args(["only", &programs.join(",")]);
        let execution = execution::run(command, RUN_LIMIT, &self.folder)?;
        Ok(execution.filter(|execution| execution.code == Some(77)).map(|found| found.stderr))
    }

    fn binary(&self) -> PathBuf {
        self.folder.join("programs")
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, text).with_context(|| cannot_write(&path))?;
        Ok(path)
    }
}

/// What is said of a compiler that does not end.
pub const HANGS: &str = "the compiler took too long";

fn cannot_write(path: &Path) -> String {
    format!("cannot write `{}`", path.display())
}

fn with_path(prefix: &str, path: &Path) -> std::ffi::OsString {
    let mut text = std::ffi::OsString::from(prefix);
    text.push(path);
    text
}

fn auxiliary_crate(programs: &[&Program]) -> String {
    let modules = programs.iter().enumerate();
    let modules =
        modules.filter_map(|(index, program)| print::auxiliary_module(program, index, RUNTIME));
    format!("{FEATURES}{}", modules.collect::<String>())
}

fn programs_crate(programs: &[&Program], split: Split) -> String {
    let modules = programs.iter().enumerate();
    let mut text = FEATURES.to_owned();
    text.extend(modules.map(|(index, program)| print::module(program, index, split, RUNTIME)));
    let all: Vec<_> = (0..programs.len()).map(|index| format!("p{index}::PROGRAM")).collect();
    text += &format!("fn main() {{\n    {RUNTIME}::main(&[{}]);\n}}\n", all.join(", "));
    text
}

/// The files of a program, by name: one that needs no other, or those of [`Tools::calls`] if it
/// takes two crates.
pub fn texts(program: &Program, split: Split) -> Vec<(&'static str, String)> {
    if split == Split::Yes {
        return vec![
            ("program.rs", programs_crate(&[program], split)),
            ("auxiliary.rs", auxiliary_crate(&[program])),
            ("runtime.rs", runtime::text()),
        ];
    }
    vec![("program.rs", whole_text(program))]
}

/// The text of a program that needs no other file.
pub fn whole_text(program: &Program) -> String {
    let module = print::module(program, 0, Split::No, &format!("crate::{RUNTIME}"));
    format!(
        "{FEATURES}{module}\nfn main() {{\n    {RUNTIME}::main(&[p0::PROGRAM]);\n}}\n\n\
         mod {RUNTIME} {{\n{}}}\n",
        runtime::text()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Tools {
        /// Nothing but the compiler, for tests.
        pub fn bare(rustc: PathBuf, has_passes: bool) -> Self {
            let (checks, linker) = (Vec::new(), Vec::new());
            Tools { rustc, allocator: None, checks, lld: None, linker, has_passes, valgrind: None }
        }
    }

    fn tools() -> Tools {
        Tools::bare("rustc".into(), true)
    }

    fn words(command: &Command) -> Vec<String> {
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_compiler_that_crashes_leaves_no_file() {
        let calls = tools().calls(&Configuration::oracle(), "found");
        let variables: Vec<_> = calls[0].get_envs().collect();
        assert!(variables.contains(&("RUSTC_ICE".as_ref(), Some("0".as_ref()))), "{variables:?}");
    }

    #[test]
    fn the_compiler_tells_warnings_and_sizes_where_it_is_to() {
        let call = |tells, has_passes| {
            let configuration = Configuration { tells, ..Configuration::oracle() };
            words(&Tools { has_passes, ..tools() }.calls(&configuration, "found")[0])
        };
        let tells = |call: Vec<String>| {
            let has = |flag: &str| call.iter().any(|word| word == flag);
            assert_ne!(has(NO_WARNINGS), told::FLAGS.iter().any(|flag| has(flag)), "{call:?}");
            !has(NO_WARNINGS)
        };
        // Only a compiler with the passes is sure to know the flags.
        assert_eq!([call(true, true), call(true, false)].map(tells), [true, false]);
        assert_eq!([call(false, true), call(false, false)].map(tells), [false, false]);
    }

    #[test]
    fn a_program_of_two_crates_is_made_of_its_files() {
        let of_two = Configuration { auxiliary: Some(Variant::on()), ..Configuration::oracle() };
        let names = |program: &Program, split| -> Vec<_> {
            texts(program, split).into_iter().map(|(name, _)| name).collect()
        };
        let program = crate::generate::program(1);
        assert_eq!(names(&program, Split::No), ["program.rs"]);
        let files = names(&program, Split::Yes);
        let calls: Vec<_> = tools().calls(&of_two, "found").iter().map(words).collect();
        assert_eq!(calls.len(), files.len());
        for file in files {
            let compiles = |call: &Vec<String>| call.iter().any(|word| word == file);
            assert_eq!(calls.iter().filter(|call| compiles(call)).count(), 1, "{file}");
        }
        let has = |call: &[String], word: &str| call.iter().any(|other| other == word);
        assert!(has(&calls[1], "-Zasync-returned-panic=no"), "{calls:?}");
        assert!(!has(&calls[2], "-Zasync-returned-panic=no"), "{calls:?}");
        assert_eq!(tools().calls(&Configuration::oracle(), "found").len(), 1);
    }
}
