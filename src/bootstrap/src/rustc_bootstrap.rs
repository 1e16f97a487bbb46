//! The hand-over to rustc's own bootstrap: its settings, and how it is called.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use which::which;

use crate::base::{self, Base, Pin};
use crate::current::{self, Stamp};
use crate::host::{self, Llvm};
use crate::overlay::{self, Overlay};
use crate::partial::{self, Partial};
use crate::series::Series;
use crate::stage0::{self, Stage0};
use crate::tree::{Checkout, Tree};
use crate::{command, mistakes};

/// A source tree that rustc's bootstrap can build, with all that it takes.
pub struct Ready<'a> {
    tree: &'a Tree,
    checkout: Checkout,
    pub stage0: Stage0,
    pub base: Base,
}

/// Does all that comes before a build, as far as it is not done: checks the machine, brings in the
/// base, lays our files out and writes the settings.
pub fn set_up(tree: &Tree, checkout: Checkout) -> Result<Ready<'_>> {
    set_up_with(tree, checkout, |overlay, base| match checkout {
        Checkout::Mistaken => mistakes::make(&mistakes::read(tree.root())?, overlay, &base.folder),
        _ => Ok(()),
    })
}

/// The same for [`Checkout::Series`], with the commits of `series` up to and with `last`.
pub fn set_up_commit<'a>(tree: &'a Tree, series: &Series, last: usize) -> Result<Ready<'a>> {
    set_up_with(tree, Checkout::Series, |overlay, _| overlay.truncate(series, last))
}

/// The same, where `change` changes what is laid out.
fn set_up_with(
    tree: &Tree,
    checkout: Checkout,
    change: impl FnOnce(&mut Overlay, &Base) -> Result<()>,
) -> Result<Ready<'_>> {
    let pin = Pin::read()?;
    let stage0 = stage0::find(tree, &pin)?;
    host::check_triple(&stage0.host)?;
    host::check_room(tree, checkout)?;
    let llvm = host::find_tools(tree, &pin)?;
    let base = base::bring_in(tree, &pin)?;
    host::check_targets(&tree.config.build.targets, &base.folder)?;
    let sources = tree.sources(checkout);
    // Before anything is copied: a patch that does not apply leaves nothing behind.
    let mut overlay = Overlay::read(tree.root(), &overlay::LAID_OUT)?;
    overlay.content(&base.folder)?;
    change(&mut overlay, &base)?;
    if checkout == Checkout::Mistaken {
        start_as_copy(tree, checkout)?;
    }
    overlay::copy_base(&base, &sources)?;
    if checkout != Checkout::Pristine {
        let count = overlay::lay_out(&overlay, &base, &sources)?;
        if count > 0 {
            eprintln!("{count} files laid out in {}", sources.display());
        }
    }
    let settings = settings(tree, checkout, &stage0, &llvm, &pin);
    partial::write(&tree.bootstrap_config(checkout), settings.as_bytes())?;
    Ok(Ready { tree, checkout, stage0, base })
}

/// If nothing of `checkout` is built, but the patched compiler is, makes it a copy of that with all
/// that is built. Cargo goes by the times of files, which a copy keeps, and by paths from the root
/// of the workspace: it builds only what is different in `checkout`, and what depends on that.
fn start_as_copy(tree: &Tree, checkout: Checkout) -> Result<()> {
    let is_built = |checkout| tree.output(checkout).join("host/stage1/bin/rustc").exists();
    if tree.output(checkout).exists() || !is_built(Checkout::Patched) {
        return Ok(());
    }
    let _progress = base::working("copying the compiler");
    // What is built comes last: it is not there unless its sources are.
    for folder in [Tree::sources, Tree::output] {
        let copy = Partial::new(&folder(tree, checkout))?;
        let mut cp = Command::new("cp");
        cp.args(["-a", "--reflink=auto"]).arg(folder(tree, Checkout::Patched)).arg(copy.path());
        command::output(&mut cp)?;
        copy.finish()?;
    }
    Ok(())
}

/// The `bootstrap.toml` for `checkout`.
fn settings(tree: &Tree, checkout: Checkout, stage0: &Stage0, llvm: &Llvm, pin: &Pin) -> String {
    let host = stage0.host.as_str();
    let path = |path: PathBuf| toml::Value::String(path.display().to_string());
    let text = |text: &str| toml::Value::String(text.to_owned());
    let texts = |texts: &[&str]| toml::Value::Array(texts.iter().map(|word| text(word)).collect());
    let no = toml::Value::Boolean(false);
    let yes = toml::Value::Boolean(true);
    let table = |entries: &[(&str, toml::Value)]| {
        let entries = entries.iter().map(|(key, value)| (String::from(*key), value.clone()));
        toml::Value::Table(entries.collect())
    };

    // A target that is not listed loses its libraries as soon as another is built.
    let mut targets = vec![host];
    if !matches!(checkout, Checkout::Mistaken | Checkout::Series) {
        targets.extend(tree.config.build.targets.iter().map(String::as_str));
    }
    let mut build = vec![
        ("build-dir", path(tree.output(checkout))),
        ("rustc", path(stage0.rustc.clone())),
        ("cargo", path(stage0.cargo.clone())),
        ("host", texts(&[host])),
        ("target", texts(&targets)),
        ("docs", no.clone()),
        ("compiler-docs", no.clone()),
        ("extended", no.clone()),
        ("submodules", no.clone()),
        ("vendor", no.clone()),
        ("locked-deps", no.clone()),
        ("lldb", text(&host::lldb(pin))),
        ("optimized-compiler-builtins", no.clone()),
    ];
    if let Some(jobs) = tree.config.build.jobs {
        build.push(("jobs", toml::Value::Integer(jobs.into())));
    }

    let llvm_major = pin.llvm.major;
    let mut target_tables = vec![(host, table(&[("llvm-config", path(llvm.config.clone()))]))];
    target_tables.extend(tree.config.build.targets.iter().map(|target| {
        let settings = table(&[
            ("no-std", yes.clone()),
            ("cc", text(&format!("clang-{llvm_major}"))),
            ("ar", text(&format!("llvm-ar-{llvm_major}"))),
            ("linker", text(&format!("ld.lld-{llvm_major}"))),
        ]);
        (target.as_str(), settings)
    }));

    let all = table(&[
        ("profile", text("compiler")),
        ("change-id", text("ignore")),
        ("llvm", table(&[("link-shared", yes.clone()), ("download-ci-llvm", no.clone())])),
        ("build", table(&build)),
        (
            "rust",
            table(&[
                ("download-rustc", no.clone()),
                ("channel", text("nightly")),
                ("debug-assertions", toml::Value::Boolean(tree.config.rust.debug_assertions)),
                ("debug-logging", toml::Value::Boolean(tree.config.rust.debug_logging)),
                ("debuginfo-level", toml::Value::Integer(0)),
                ("frame-pointers", no.clone()),
                ("incremental", no.clone()),
                ("codegen-units", toml::Value::Integer(16)),
                ("lld", no.clone()),
                ("deny-warnings", no.clone()),
                ("omit-git-hash", yes.clone()),
            ]),
        ),
        ("target", table(&target_tables)),
    ]);
    format!(
        "# Written by ./x.py; what is changed here is lost. The settings are in config.toml.\n\n{}",
        toml::to_string_pretty(&all).expect("the settings can be written")
    )
}

impl Ready<'_> {
    /// A call of rustc's bootstrap with `arguments`, at stage 1. It may leave a sysroot that lacks
    /// libraries, so what was built is no longer current.
    pub fn bootstrap(&self, arguments: &[&str]) -> Result<Command> {
        partial::remove(&self.stamp())?;
        let mut command = Command::new("python3");
        command.arg("x.py").args(arguments).args(["--stage", "1", "--config"]);
        command.arg(self.tree.bootstrap_config(self.checkout));
        command.current_dir(self.tree.sources(self.checkout));
        Ok(command)
    }

    /// The stamp of what is built.
    fn stamp(&self) -> PathBuf {
        self.tree.output(self.checkout).join("built")
    }

    /// Builds the compiler and the libraries, if anything has changed. Returns the sysroot.
    pub fn build(&self) -> Result<PathBuf> {
        let sources = self.tree.sources(self.checkout);
        let settings = self.tree.bootstrap_config(self.checkout);
        if current::is_current(&self.stamp(), &sources, &settings) {
            return self.link_sysroot();
        }
        // Standard output belongs to the program that is run with the compiler.
        let mut build = self.bootstrap(&["build", "library"])?;
        let stamp = Stamp::begin(&self.stamp())?;
        command::run(build.stdout(std::io::stderr()))?;
        let sysroot = self.link_sysroot()?;
        stamp.finish()?;
        Ok(sysroot)
    }

    /// Points `build/stage1` at the sysroot that was built, and completes it.
    pub fn link_sysroot(&self) -> Result<PathBuf> {
        let built = self.tree.output(self.checkout).join(&self.stage0.host).join("stage1");
        if !built.join("bin/rustc").is_file() {
            bail!("rustc's bootstrap left no compiler in {}", built.display());
        }
        let link = self.tree.sysroot(self.checkout);
        point(&link, &built)?;
        // What rustc calls to link for bare metal when nothing else is named.
        let major = Pin::read()?.llvm.major;
        if let Ok(lld) = which(format!("lld-{major}")).or_else(|_| which(format!("ld.lld-{major}")))
        {
            let tools = built.join("lib/rustlib").join(&self.stage0.host).join("bin");
            std::fs::create_dir_all(&tools)?;
            point(&tools.join("rust-lld"), &lld)?;
        }
        Ok(link)
    }
}

/// Makes `link` a symbolic link to `target`, in place of one that leads elsewhere.
fn point(link: &Path, target: &Path) -> Result<()> {
    if std::fs::read_link(link).is_ok_and(|current| current == target) {
        return Ok(());
    }
    partial::remove(link)?;
    symlink(target, link)
        .with_context(|| format!("linking {} to {}", link.display(), target.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_starts_as_a_copy_once_and_only_of_one_that_is_built() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::at(folder.path());
        let put = |path: PathBuf| {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        let is_there = |path: &str| tree.sources(Checkout::Mistaken).join(path).exists();
        put(tree.sources(Checkout::Patched).join("first"));
        start_as_copy(&tree, Checkout::Mistaken).unwrap();
        assert!(!is_there("first"));

        put(tree.output(Checkout::Patched).join("host/stage1/bin/rustc"));
        put(tree.sources(Checkout::Mistaken).join("left from before"));
        start_as_copy(&tree, Checkout::Mistaken).unwrap();
        assert!(is_there("first") && !is_there("left from before"));
        assert!(tree.output(Checkout::Mistaken).join("host/stage1/bin/rustc").exists());

        put(tree.sources(Checkout::Patched).join("second"));
        start_as_copy(&tree, Checkout::Mistaken).unwrap();
        assert!(!is_there("second"));
    }

    #[test]
    fn the_settings_name_every_target_and_say_what_the_user_wants() {
        let mut tree = Tree::at(Path::new("tree"));
        tree.config.build.jobs = Some(7);
        tree.config.rust.debug_assertions = true;
        let stage0 = Stage0 {
            rustc: PathBuf::from("the-rustc"),
            cargo: PathBuf::from("the-cargo"),
            host: String::from("x86_64-unknown-linux-gnu"),
        };
        let llvm = Llvm { config: PathBuf::from("the-llvm-config") };
        let text = settings(&tree, Checkout::Pristine, &stage0, &llvm, &Pin::read().unwrap());
        let settings: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(settings["build"]["rustc"].as_str(), Some("the-rustc"));
        assert_eq!(settings["build"]["jobs"].as_integer(), Some(7));
        assert_eq!(settings["build"]["build-dir"].as_str(), Some("tree/build/pristine/out"));
        assert_eq!(settings["build"]["target"].as_array().unwrap().len(), 5);
        assert_eq!(settings["rust"]["debug-assertions"].as_bool(), Some(true));
        let targets = &settings["target"];
        let host = &targets["x86_64-unknown-linux-gnu"];
        assert_eq!(host["llvm-config"].as_str(), Some("the-llvm-config"));
        for target in &tree.config.build.targets {
            assert_eq!(targets[target.as_str()]["no-std"].as_bool(), Some(true));
        }
    }
}
