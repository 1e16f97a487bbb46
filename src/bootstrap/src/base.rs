//! The base: rustc's source, which our files are laid over and which never enters the repository.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use which::which;

use crate::command;
use crate::partial::{self, Partial};
use crate::tree::Tree;

/// What `src/base.toml` says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pin {
    pub package: String,
    pub version: String,
    pub sha256: String,
    pub folder: PathBuf,
    pub rust_version: String,
    pub stage0: Vec<String>,
    pub llvm: LlvmPin,
}

/// The LLVM that the base is built with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlvmPin {
    pub major: u32,
    pub packages: Vec<String>,
}

impl Pin {
    /// The pin that this program was built with.
    pub fn read() -> Result<Pin> {
        toml::from_str(include_str!("../../base.toml")).context("src/base.toml")
    }

    fn deb(&self) -> String {
        format!("{}_{}_all.deb", self.package, self.version)
    }
}

/// Rustc's source as it came.
pub struct Base {
    pub folder: PathBuf,
    /// Tells this base from others, so that what was made of another is made anew.
    pub identity: String,
}

/// Brings in the base: from the folder that the settings name, or from its package, which is
/// downloaded, checked and unpacked unless that is done already.
pub fn bring_in(tree: &Tree, pin: &Pin) -> Result<Base> {
    let base = match &tree.config.base.source {
        Some(folder) => {
            Base { folder: folder.clone(), identity: format!("folder {}", folder.display()) }
        }
        None => from_package(tree, pin)?,
    };
    let checked = check_version(&base.folder, pin);
    match tree.config.base.source {
        Some(_) => checked.context("`base.source` in config.toml cannot be used")?,
        None => checked?,
    }
    Ok(base)
}

/// That `folder` holds the source of the release which the pin names.
fn check_version(folder: &Path, pin: &Pin) -> Result<()> {
    let path = folder.join("src/version");
    let version = fs::read_to_string(&path).with_context(|| {
        format!("{} is not the source of rustc: reading {}", folder.display(), path.display())
    })?;
    if version.trim() != pin.rust_version {
        bail!(
            "{} is the source of rustc {}, and our patches are for {}",
            folder.display(),
            version.trim(),
            pin.rust_version
        );
    }
    Ok(())
}

fn from_package(tree: &Tree, pin: &Pin) -> Result<Base> {
    let folder = tree.build().join("base");
    let stamp = folder.join(".package-sha256");
    if fs::read_to_string(&stamp).is_ok_and(|sha256| sha256 == pin.sha256) {
        return Ok(Base { folder, identity: pin.sha256.clone() });
    }

    let deb = tree.build().join("download").join(pin.deb());
    if !deb.is_file() {
        download(&deb, pin)?;
    }
    check_sha256(&deb, &pin.sha256)?;

    if which("dpkg-deb").is_err() {
        bail!(
            "there is no dpkg-deb to unpack the package of the base with; name a folder with the \
             source of rustc {} as `base.source` in config.toml",
            pin.rust_version
        );
    }
    let unpacked = Partial::new(&folder)?;
    let inner = {
        let _progress = working(&format!("unpacking {}", pin.deb()));
        command::output(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(unpacked.path()))?;
        let inner = unpacked.path().join(&pin.folder);
        fs::write(inner.join(".package-sha256"), &pin.sha256)
            .with_context(|| format!("{} holds no {}", pin.deb(), pin.folder.display()))?;
        inner
    };
    partial::remove(&folder)?;
    fs::rename(&inner, &folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(Base { folder, identity: pin.sha256.clone() })
}

/// Downloads the package of the base to `deb`.
fn download(deb: &Path, pin: &Pin) -> Result<()> {
    if which("apt-get").is_err() {
        bail!(
            "there is no apt-get to download the base with; name a folder with the source of rustc \
             {} as `base.source` in config.toml",
            pin.rust_version
        );
    }
    // In a folder of its own, as apt-get names the file in its own way.
    let folder = Partial::new(&deb.with_extension("d"))?;
    fs::create_dir(folder.path())?;
    let package = format!("{}={}", pin.package, pin.version);
    let _progress = working(&format!("downloading {package}"));

    let mut get = Command::new("apt-get");
    // As root, apt-get would download as another user, who may not write here.
    get.args(["download", "-o", "APT::Sandbox::User=root", &package]).current_dir(folder.path());
    let mut downloaded = command::output(&mut get);
    if downloaded.as_ref().is_err_and(|error| is_unknown(&error.to_string()))
        && rustix::process::geteuid().is_root()
    {
        // The lists of packages may be missing or old.
        command::output(Command::new("apt-get").arg("update"))?;
        downloaded = command::output(&mut get);
    }
    if let Err(error) = downloaded {
        bail!("{error}\n{}", remedy(&error.to_string(), pin));
    }

    let file = fs::read_dir(folder.path())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .with_context(|| format!("apt-get download {package} left no file"))?;
    fs::rename(&file, deb).with_context(|| format!("putting {} in its place", deb.display()))
}

/// Whether apt-get says that it does not know the package or its version.
fn is_unknown(error: &str) -> bool {
    error.contains("Unable to locate package")
        || (error.contains("Version") && error.contains("was not found"))
}

/// What to do when apt-get has failed with `error`.
fn remedy(error: &str, pin: &Pin) -> String {
    let Pin { package, version, rust_version, .. } = pin;
    let instead = format!(
        "name a folder with the source of rustc {rust_version} as `base.source` in config.toml"
    );
    if is_unknown(error) {
        format!(
            "Debian does not offer {package} {version} to this machine: its lists may be old \
             (sudo apt-get update), bookworm-security may not be among its sources, or the version \
             may be gone; then {instead}"
        )
    } else {
        format!("is there a network? If there is none, {instead}")
    }
}

/// That `file` hashes to `expected`. A file that does not is removed, so that the next try starts
/// anew.
fn check_sha256(file: &Path, expected: &str) -> Result<()> {
    let found = sha256_of(file)?;
    if found != expected {
        partial::remove(file)?;
        bail!(
            "{} is damaged or not what src/base.toml pins: its sha256 is\n    {found}\n\
             and not\n    {expected}\nIt has been removed; try again",
            file.display()
        );
    }
    Ok(())
}

/// The sha256 of a file, in hexadecimal digits.
pub fn sha256_of(file: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    File::open(file)
        .and_then(|mut file| std::io::copy(&mut file, &mut hasher))
        .with_context(|| format!("reading {}", file.display()))?;
    Ok(hex(&hasher.finalize()))
}

/// The sha256 of `content`, in hexadecimal digits.
pub fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Shows what is being worked on, with the time that it takes, until the result is dropped.
pub fn working(what: &str) -> impl Drop + use<> {
    struct Working(ProgressBar);
    impl Drop for Working {
        fn drop(&mut self) {
            self.0.finish_and_clear();
        }
    }

    let style = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]").expect("it is valid");
    let bar = ProgressBar::new_spinner().with_style(style).with_message(what.to_owned());
    if bar.is_hidden() {
        eprintln!("{what}");
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    Working(bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pin_is_whole() {
        let pin = Pin::read().unwrap();
        assert_eq!(pin.sha256.len(), 64);
        assert!(pin.version.starts_with(&pin.rust_version));
        assert!(pin.folder.is_relative());
    }

    #[test]
    fn sha256_is_the_standard_one() {
        // The second test vector of FIPS 180-2, appendix B.
        let text = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        let expected = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
        assert_eq!(sha256(text), expected);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, text).unwrap();
        assert_eq!(sha256_of(&file).unwrap(), expected);
    }

    #[test]
    fn a_damaged_download_is_named_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("package.deb");
        fs::write(&file, "half of it").unwrap();
        let expected = "0".repeat(64);
        let error = check_sha256(&file, &expected).unwrap_err().to_string();
        assert!(error.contains("package.deb") && error.contains(&expected), "{error}");
        assert!(!file.exists());
    }

    #[test]
    fn the_remedy_tells_a_missing_version_from_a_missing_network() {
        let pin = Pin::read().unwrap();
        let gone = remedy("E: Version '1' for 'rust-web-src' was not found", &pin);
        assert!(gone.contains("apt-get update") && gone.contains("base.source"), "{gone}");
        let offline = remedy("E: Failed to fetch … Temporary failure resolving", &pin);
        assert!(offline.contains("network") && offline.contains("base.source"), "{offline}");
    }

    #[test]
    fn a_folder_must_be_the_source_of_the_right_release() {
        let pin = Pin::read().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let error = format!("{:#}", check_version(folder.path(), &pin).unwrap_err());
        assert!(error.contains("is not the source of rustc"), "{error}");
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/version"), "1.80.0\n").unwrap();
        let error = check_version(folder.path(), &pin).unwrap_err().to_string();
        assert!(error.contains("1.80.0") && error.contains(&pin.rust_version), "{error}");
        fs::write(folder.path().join("src/version"), &pin.rust_version).unwrap();
        check_version(folder.path(), &pin).unwrap();
    }
}
