//! The machine: is it one that we know, with room and the programs that building rustc takes?

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use which::which;

use crate::base::Pin;
use crate::command;
use crate::tree::{Checkout, Tree};

/// The hosts on which this is known to work.
const HOSTS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// What a compiler built from nothing takes in `build/`, in bytes: the sources, what is built from
/// them and room for tests and firmware.
const ROOM: u64 = 10 * 1000 * 1000 * 1000;

/// Programs that the build runs, with the packages of Debian that bring them.
const PROGRAMS: [(&str, &str); 5] =
    [("git", "git"), ("cc", "gcc"), ("c++", "g++"), ("make", "make"), ("python3", "python3")];

/// That `triple` is a host that we know.
pub fn check_triple(triple: &str) -> Result<()> {
    if !HOSTS.contains(&triple) {
        bail!("{triple} is not a host that this builds on; it builds on {}", HOSTS.join(" and "));
    }
    Ok(())
}

/// Where rustc lists its targets, in its source.
const TARGETS: &str = "compiler/rustc_target/src/spec/mod.rs";

/// That the source of rustc in `base` has all `targets`.
pub fn check_targets(targets: &[String], base: &Path) -> Result<()> {
    let path = base.join(TARGETS);
    let known =
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let is_known = |target: &&String| known.contains(&format!("(\"{target}\","));
    if let Some(unknown) = targets.iter().find(|target| !is_known(target)) {
        bail!(
            "`build.targets` in config.toml has `{unknown}`, which is no target of rustc; \
             `rustc --print target-list` lists them"
        );
    }
    Ok(())
}

/// That there is room for a compiler in the folder of `checkout`, unless one is there already.
pub fn check_room(tree: &Tree, checkout: Checkout) -> Result<()> {
    if tree.sysroot(checkout).exists() {
        return Ok(());
    }
    let build = tree.build();
    std::fs::create_dir_all(&build).with_context(|| format!("making {}", build.display()))?;
    let room = rustix::fs::statvfs(&build)
        .map(|stat| stat.f_bavail * stat.f_frsize)
        .with_context(|| format!("asking for the free space in {}", build.display()))?;
    enough_room(room, &build)
}

fn enough_room(room: u64, folder: &Path) -> Result<()> {
    if room < ROOM {
        bail!(
            "{:.1} GB are free in {}, and building a compiler takes {} GB; free some, or replace \
             the folder by a link to where there is room",
            room as f64 / 1e9,
            folder.display(),
            ROOM / 1_000_000_000
        );
    }
    Ok(())
}

/// The LLVM that the compiler is linked to.
pub struct Llvm {
    /// Its `llvm-config`.
    pub config: PathBuf,
}

/// Finds the programs and the LLVM that the build needs, and installs from Debian what is missing.
/// Without the rights for that, the error holds the command to run.
pub fn find_tools(tree: &Tree, pin: &Pin) -> Result<Llvm> {
    let mut packages: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| which(program).is_err())
        .map(|&(_, package)| package)
        .collect();

    let llvm = match &tree.config.llvm.llvm_config {
        Some(named) => Some(check_llvm(named.clone(), pin)?),
        // One that is not whole is completed by its packages.
        None => find_llvm_config(pin).and_then(|config| check_llvm(config, pin).ok()),
    };
    if llvm.is_none() {
        packages.extend(pin.llvm.packages.iter().map(String::as_str));
    }
    // The C compiler and the archiver of the bare-metal targets, and their linker.
    let major = pin.llvm.major;
    let for_bare_metal = ["clang", "llvm-ar", "ld.lld"].map(|tool| format!("{tool}-{major}"));
    if llvm.is_some()
        && !tree.config.build.targets.is_empty()
        && for_bare_metal.iter().any(|program| which(program).is_err())
    {
        packages.extend(pin.llvm.packages.iter().map(String::as_str));
    }

    if !packages.is_empty() {
        install(&packages)?;
    }
    match llvm {
        Some(llvm) => Ok(llvm),
        None => match find_llvm_config(pin) {
            Some(config) => check_llvm(config, pin),
            None => bail!("there is no llvm-config-{major} even after installing {packages:?}"),
        },
    }
}

/// Finds the debuggers that tests run in, gdb and [`lldb`], and installs what is missing; see
/// [`find_tools`].
pub fn find_debuggers(pin: &Pin) -> Result<()> {
    let lldb = lldb(pin);
    let missing: Vec<&str> =
        ["gdb", &lldb].into_iter().filter(|program| which(program).is_err()).collect();
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// The program, and the package, of the lldb that is of the LLVM which the compiler is built with.
pub fn lldb(pin: &Pin) -> String {
    format!("lldb-{}", pin.llvm.major)
}

fn find_llvm_config(pin: &Pin) -> Option<PathBuf> {
    let in_its_folder = PathBuf::from(format!("/usr/lib/llvm-{}/bin/llvm-config", pin.llvm.major));
    which(format!("llvm-config-{}", pin.llvm.major))
        .ok()
        .or_else(|| in_its_folder.is_file().then_some(in_its_folder))
}

/// That `config` is the `llvm-config` of an LLVM which is new enough, with its headers to build
/// with, and FileCheck to test with.
fn check_llvm(config: PathBuf, pin: &Pin) -> Result<Llvm> {
    let ask = |question: &str| -> Result<String> {
        Ok(command::output(Command::new(&config).arg(question))?.trim().to_owned())
    };
    let version = ask("--version")?;
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < pin.llvm.major) {
        bail!(
            "{} is of LLVM {version}, and the compiler is built with LLVM {} or later; install {}, \
             or name another as `llvm.llvm-config` in config.toml",
            config.display(),
            pin.llvm.major,
            pin.llvm.packages.join(" ")
        );
    }
    let parts = [
        (Path::new(&ask("--bindir")?).join("FileCheck"), "tools"),
        (Path::new(&ask("--includedir")?).join("llvm/Config/llvm-config.h"), "dev"),
    ];
    if let Some((part, package)) = parts.iter().find(|(part, _)| !part.exists()) {
        bail!(
            "LLVM {version} has no {}; it is in llvm-{}-{package}",
            part.display(),
            pin.llvm.major
        );
    }
    Ok(Llvm { config })
}

fn install(packages: &[&str]) -> Result<()> {
    let packages = packages.join(" ");
    let install = format!("apt-get install --yes --no-install-recommends {packages}");
    if which("apt-get").is_err() {
        bail!(
            "these are missing, by the names that Debian has for them: {packages}\n\
             install them, or name an LLVM as `llvm.llvm-config` in config.toml"
        );
    }
    if !rustix::process::geteuid().is_root() {
        bail!(
            "these packages are missing, and it takes root to install them. Run\n    \
             sudo apt-get update && sudo {install}\nand try again"
        );
    }
    eprintln!("installing {packages}");
    let mut words = install.split(' ');
    let mut command = Command::new(words.next().expect("the command is not empty"));
    command.args(words).env("DEBIAN_FRONTEND", "noninteractive").stdout(std::io::stderr());
    if command::status(&mut command)?.success() {
        return Ok(());
    }
    // The lists of packages may be missing or old.
    command::run(Command::new("apt-get").arg("update").stdout(std::io::stderr()))
        .and_then(|()| command::run(&mut command))
        .with_context(|| {
            format!("{packages} could not be installed; is there a network, and is this bookworm?")
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder with an `llvm-config` that answers as told.
    fn fake_llvm(version: &str, with_file_check: bool) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("llvm-config");
        let here = folder.path().display();
        let script = format!("#!/bin/sh\n[ $1 = --version ] && echo {version} || echo {here}\n");
        std::fs::write(&config, script).unwrap();
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir_all(folder.path().join("llvm/Config")).unwrap();
        std::fs::write(folder.path().join("llvm/Config/llvm-config.h"), "").unwrap();
        if with_file_check {
            std::fs::write(folder.path().join("FileCheck"), "").unwrap();
        }
        (folder, config)
    }

    fn llvm_error(version: &str, with_file_check: bool) -> String {
        let (_folder, config) = fake_llvm(version, with_file_check);
        check_llvm(config, &Pin::read().unwrap()).err().unwrap().to_string()
    }

    #[test]
    fn an_llvm_that_suits_is_taken() {
        let (_folder, config) = fake_llvm("22.1.8", true);
        assert!(check_llvm(config, &Pin::read().unwrap()).is_ok());
    }

    #[test]
    fn an_old_llvm_is_refused_with_the_remedy() {
        let error = llvm_error("14.0.6", true);
        assert!(error.contains("LLVM 14.0.6") && error.contains("llvm-22-dev"), "{error}");
        assert!(error.contains("llvm.llvm-config"), "{error}");
    }

    #[test]
    fn an_llvm_without_file_check_is_refused() {
        assert!(llvm_error("22.1.8", false).contains("llvm-22-tools"));
    }

    #[test]
    fn an_llvm_without_headers_is_refused() {
        let (folder, config) = fake_llvm("22.1.8", true);
        std::fs::remove_dir_all(folder.path().join("llvm")).unwrap();
        let error = check_llvm(config, &Pin::read().unwrap()).err().unwrap().to_string();
        assert!(error.contains("llvm-22-dev"), "{error}");
    }

    #[test]
    fn other_hosts_are_refused() {
        assert!(check_triple("x86_64-unknown-linux-gnu").is_ok());
        let error = check_triple("x86_64-pc-windows-msvc").unwrap_err().to_string();
        assert!(error.contains("x86_64-pc-windows-msvc") && error.contains("aarch64"), "{error}");
    }

    #[test]
    fn a_target_that_rustc_does_not_have_is_named_with_its_setting() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join(TARGETS);
        std::fs::create_dir_all(list.parent().unwrap()).unwrap();
        std::fs::write(list, "(\"thumbv6m-none-eabi\", thumbv6m_none_eabi),").unwrap();
        let check = |target: &str| {
            let targets = ["thumbv6m-none-eabi", target].map(String::from);
            check_targets(&targets, folder.path())
        };
        check("thumbv6m-none-eabi").unwrap();
        let error = check("thumbv6m-none").unwrap_err().to_string();
        assert!(error.contains("`thumbv6m-none`") && error.contains("build.targets"), "{error}");
    }

    #[test]
    fn too_little_room_is_told_in_gigabytes() {
        let error = enough_room(3_210_000_000, Path::new("build")).unwrap_err().to_string();
        assert!(error.contains("3.2 GB are free in build"), "{error}");
        assert!(enough_room(ROOM, Path::new("build")).is_ok());
    }
}
