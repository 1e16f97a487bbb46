//! The rustc and cargo that build the compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use which::which;

use crate::base::Pin;
use crate::command;
use crate::tree::Tree;

/// A toolchain that can build the base.
#[derive(Debug)]
pub struct Stage0 {
    pub rustc: PathBuf,
    pub cargo: PathBuf,
    /// The triple that it runs on.
    pub host: String,
}

/// Finds a stage 0: what the settings name, else the rustc on the PATH, else a toolchain that
/// rustup has installed. The first that is of a release in the pin is taken.
pub fn find(tree: &Tree, pin: &Pin) -> Result<Stage0> {
    if let Some(rustc) = &tree.config.build.rustc {
        return check(rustc, tree.config.build.cargo.as_deref(), pin)
            .context("`build.rustc` in config.toml cannot be used");
    }

    let mut refused = Vec::new();
    for rustc in candidates(pin) {
        match check(&rustc, tree.config.build.cargo.as_deref(), pin) {
            Ok(stage0) => return Ok(stage0),
            Err(error) => refused.push(format!("    {error:#}")),
        }
    }
    let found = match refused.is_empty() {
        true => String::from("none was found"),
        false => format!("these were found, and do not suit:\n{}", refused.join("\n")),
    };
    bail!(
        "building the compiler takes a rustc and cargo of release {}; {found}\n\
         install one (`rustup toolchain install {}`), or name it as `build.rustc` and \
         `build.cargo` in config.toml",
        pin.stage0.join(" or "),
        pin.stage0[0],
    );
}

fn candidates(pin: &Pin) -> Vec<PathBuf> {
    let mut candidates = Vec::new();
    if let Ok(rustc) = which("rustc") {
        candidates.push(rustc);
    }
    // Asked for by name, so that rustup never installs anything.
    let home = std::env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".rustup")));
    if let Some(home) = home {
        let names = pin.stage0.iter().map(String::as_str).chain(["stable"]);
        let folder = |name: &str| format!("{name}-{}-unknown-linux-gnu", std::env::consts::ARCH);
        candidates.extend(
            names
                .map(|name| home.join("toolchains").join(folder(name)).join("bin/rustc"))
                .filter(|rustc| rustc.is_file()),
        );
    }
    candidates
}

/// That `rustc` is of a release in the pin, with a cargo beside it unless one is named.
fn check(rustc: &Path, cargo: Option<&Path>, pin: &Pin) -> Result<Stage0> {
    let about = command::output(Command::new(rustc).arg("-vV"))?;
    let field = |name: &str| field(&about, name).with_context(|| rustc.display().to_string());
    let release = field("release")?;
    if !pin.stage0.iter().any(|suitable| suitable == release) {
        bail!("{} is of release {release}", rustc.display());
    }

    // Where rustup's proxy leads, or the file itself: bootstrap must not go through the proxy,
    // which may lead elsewhere in another folder.
    let sysroot = command::output(Command::new(rustc).args(["--print", "sysroot"]))?;
    let bin = Path::new(sysroot.trim()).join("bin");
    let in_sysroot = bin.join("rustc");
    let rustc = if in_sysroot.is_file() { in_sysroot } else { rustc.to_owned() };
    let cargo = cargo.map_or_else(|| rustc.with_file_name("cargo"), Path::to_owned);
    if !cargo.is_file() {
        bail!("{} is of release {release}, but has no cargo beside it", rustc.display());
    }
    Ok(Stage0 { host: field("host")?.to_owned(), rustc, cargo })
}

/// What `rustc -vV` said in `about` behind `name`.
pub fn field<'a>(about: &'a str, name: &str) -> Result<&'a str> {
    about
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .with_context(|| format!("`rustc -vV` names no {name}"))
}

#[cfg(test)]
mod tests {

    use super::*;

    fn fake_rustc(release: &str, with_cargo: bool) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        let rustc = folder.path().join("bin/rustc");
        let script = format!(
            "#!/bin/sh\nif [ $1 = -vV ]; then\necho 'release: {release}'\necho 'host: h'\n\
             else echo {}; fi\n",
            folder.path().display()
        );
        // Another process writes it: a child that another test forks meanwhile would inherit the
        // open file from this one, and a file that is open for writing cannot be executed.
        let write = "printf %s \"$1\" > \"$2\" && chmod +x \"$2\"";
        let written = std::process::Command::new("sh")
            .args(["-c", write, "sh", &script])
            .arg(&rustc)
            .status();
        assert!(written.unwrap().success());
        if with_cargo {
            std::fs::write(folder.path().join("bin/cargo"), "").unwrap();
        }
        (folder, rustc)
    }

    #[test]
    fn a_release_of_the_pin_is_taken_with_its_cargo_and_host() {
        let (folder, rustc) = fake_rustc("1.95.0", true);
        let stage0 = check(&rustc, None, &Pin::read().unwrap()).unwrap();
        assert_eq!(stage0.cargo, folder.path().join("bin/cargo"));
        assert_eq!(stage0.host, "h");
    }

    #[test]
    fn other_releases_are_refused() {
        for release in ["1.94.1", "1.96.0-nightly", "1.97.0"] {
            let (_folder, rustc) = fake_rustc(release, true);
            let error = check(&rustc, None, &Pin::read().unwrap()).unwrap_err().to_string();
            assert!(error.contains(release), "{error}");
        }
    }

    #[test]
    fn a_rustc_without_cargo_is_refused() {
        let (_folder, rustc) = fake_rustc("1.95.0", false);
        let error = check(&rustc, None, &Pin::read().unwrap()).unwrap_err().to_string();
        assert!(error.contains("no cargo"), "{error}");
    }

    #[test]
    fn a_named_rustc_that_does_not_suit_is_an_error_and_no_other_is_taken() {
        let (_folder, rustc) = fake_rustc("1.60.0", true);
        let mut tree = Tree::at(Path::new("unused"));
        tree.config.build.rustc = Some(rustc);
        let error = format!("{:#}", find(&tree, &Pin::read().unwrap()).unwrap_err());
        assert!(error.contains("`build.rustc`") && error.contains("1.60.0"), "{error}");
    }
}
