//! What an archive holds: the sysroot, and what it takes on another machine.
//!
//! ```text
//! bin/rustc
//! lib/librustc_driver-*.so
//! lib/llvm/                     libLLVM, and the libraries that it needs
//! lib/rustlib/HOST/bin/         rust-lld and tools of LLVM; llvm leads to that folder
//! lib/rustlib/TARGET/lib/       core and alloc, for the host also std
//! lib/rustlib/src/rust/library  their source, for build-std
//! share/doc/                    how to use it, and licences
//! ```
//!
//! The libraries have a folder of their own since rustup and cargo set `LD_LIBRARY_PATH` to `lib`:
//! there, all programs that they start would get ours instead of those of their machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use walkdir::WalkDir;

use crate::dist::elf::{Edit, Elf, Versions};
use crate::dist::licences;
use crate::{command, overlay};

/// Where the libraries are. A folder with programs that need them has a link of that name, since no
/// longer way than `$ORIGIN/llvm` has room in a program.
const LIBRARIES: &str = "lib/llvm";

/// Libraries that are left to the machine: the C library, which belongs to its kernel and loader,
/// and the runtimes of C and C++, which must be no older than what else is loaded with them.
const OF_THE_MACHINE: [&str; 9] = [
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libstdc++.so.6",
];

/// One thing in an archive.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file of this machine, with some of its bytes replaced.
    File { source: PathBuf, edits: Vec<Edit> },
    /// A text.
    Text(String),
    /// A symbolic link to this path.
    Link(String),
}

impl Entry {
    fn file(source: impl Into<PathBuf>) -> Entry {
        Entry::File { source: source.into(), edits: Vec::new() }
    }

    /// What the file holds, and whether it may be executed. `None` for a link.
    pub fn content(&self) -> Result<Option<(Vec<u8>, bool)>> {
        match self {
            Entry::Link(_) => Ok(None),
            Entry::Text(text) => Ok(Some((text.clone().into_bytes(), false))),
            Entry::File { source, edits } => {
                let context = || format!("reading {}", source.display());
                let mut content = fs::read(source).with_context(context)?;
                for Edit { offset, bytes } in edits {
                    content[*offset..offset + bytes.len()].copy_from_slice(bytes);
                }
                let mode = fs::metadata(source).with_context(context)?.permissions().mode();
                Ok(Some((content, mode & 0o111 != 0)))
            }
        }
    }
}

/// A toolchain that can be handed on.
#[derive(Default)]
pub struct Toolchain {
    /// What it consists of, by the path below its top folder.
    pub entries: BTreeMap<String, Entry>,
    /// The targets that it has libraries for.
    pub targets: BTreeSet<String>,
    /// What is in it of packages of this machine, with the package and its version.
    pub packages: BTreeMap<String, String>,
    /// The newest symbol versions that it asks for in the libraries of the other machine.
    pub needs: Vec<String>,
    /// Tools in the sysroot that are left out, because they need more libraries than the compiler.
    pub left_out: Vec<String>,
    /// The files that lie outside of the sysroot and of the sources, by their names.
    outside: BTreeMap<String, PathBuf>,
}

impl Toolchain {
    /// The toolchain in `sysroot`, which runs on `host`, with the standard library of `sources`.
    pub fn of(sysroot: &Path, host: &str, sources: &Path) -> Result<Toolchain> {
        let mut toolchain = Toolchain::default();
        toolchain.add_sysroot(sysroot)?;
        toolchain.add_source(sources)?;
        toolchain.add_libraries(host)?;
        licences::add(&toolchain.outside, &mut toolchain.packages, &mut toolchain.entries);
        Ok(toolchain)
    }

    fn add_sysroot(&mut self, sysroot: &Path) -> Result<()> {
        let sysroot = sysroot
            .canonicalize()
            .with_context(|| format!("there is no sysroot in {}", sysroot.display()))?;
        // Links to the whole source of rustc; what is needed of it comes in on its own.
        let links = ["src", "rustc-src"].map(|name| sysroot.join("lib/rustlib").join(name));
        for folder in ["bin", "lib"] {
            let files = WalkDir::new(sysroot.join(folder)).sort_by_file_name();
            for file in files.into_iter().filter_entry(|it| !links.iter().any(|l| l == it.path())) {
                let file = file.context("listing the sysroot")?;
                if file.file_type().is_dir() {
                    continue;
                }
                let source = file
                    .path()
                    .canonicalize()
                    .with_context(|| format!("{} leads nowhere", file.path().display()))?;
                ensure!(source.is_file(), "{} leads to a folder", file.path().display());
                if !source.starts_with(&sysroot) {
                    let name = file.file_name().to_string_lossy().into_owned();
                    self.outside.insert(name, source.clone());
                }
                let path = relative(file.path(), &sysroot)?;
                if let Some(rest) = path.strip_prefix("lib/rustlib/")
                    && let Some((target, _)) = rest.split_once("/lib/libcore-")
                {
                    self.targets.insert(target.to_owned());
                }
                self.entries.insert(path, Entry::file(source));
            }
        }
        ensure!(self.entries.contains_key("bin/rustc"), "{} has no rustc", sysroot.display());
        Ok(())
    }

    fn add_source(&mut self, sources: &Path) -> Result<()> {
        for file in overlay::files_below(&sources.join("library"))? {
            let path = relative(&file, sources)?;
            // What a package of the base has there of crates.io; cargo would not look at it.
            if !path.starts_with("library/vendor/") {
                self.entries.insert(format!("lib/rustlib/src/rust/{path}"), Entry::file(file));
            }
        }
        for name in ["COPYRIGHT", "LICENSE-APACHE", "LICENSE-MIT"] {
            let file = sources.join(name);
            if file.is_file() {
                self.entries.insert(format!("share/doc/rust/{name}"), Entry::file(file));
            }
        }
        Ok(())
    }

    /// Adds the libraries of this machine that the compiler and its linker need, and has all that
    /// need them look for them there. Tools that need more are taken out.
    fn add_libraries(&mut self, host: &str) -> Result<()> {
        let tools = format!("lib/rustlib/{host}/bin/");
        let mut programs = self.programs(host)?;
        let mut found = BTreeMap::new();
        for (path, (source, _)) in &programs {
            if path.starts_with("lib/librustc_driver") || *path == format!("{tools}rust-lld") {
                found.extend(needed_by(source)?);
            }
        }
        let known =
            |name: &String| found.contains_key(name) || OF_THE_MACHINE.contains(&name.as_str());
        programs.retain(|path, (_, elf)| {
            let keep = !path.starts_with(&tools) || elf.needed.iter().all(known);
            if !keep {
                self.entries.remove(path);
                self.left_out.push(path[tools.len()..].to_owned());
            }
            keep
        });

        for (name, source) in &found {
            let elf =
                read_elf(source)?.with_context(|| format!("{} is no library", source.display()))?;
            programs.insert(format!("{LIBRARIES}/{name}"), (source.clone(), elf));
        }
        self.needs = newest_versions(programs.values().map(|(_, elf)| elf));
        programs.retain(|_, (_, elf)| elf.needed.iter().any(|name| found.contains_key(name)));
        for (name, source) in &found {
            self.entries.insert(format!("{LIBRARIES}/{name}"), Entry::file(source));
        }
        for (path, (source, elf)) in programs {
            let edits = self.look_for_libraries(&path, &elf);
            let edits = edits.with_context(|| {
                format!(
                    "{} cannot be made to look in {LIBRARIES}; those of Debian's packages of LLVM \
                     can",
                    source.display()
                )
            })?;
            self.entries.insert(path, Entry::File { source, edits });
        }
        self.outside.extend(found);
        Ok(())
    }

    /// What has the loader find our libraries for the program or library at `path`.
    fn look_for_libraries(&mut self, path: &str, elf: &Elf) -> Result<Vec<Edit>> {
        let (folder, _) = path.rsplit_once('/').unwrap_or(("", path));
        if folder == LIBRARIES {
            return elf.look_in("$ORIGIN");
        }
        ensure!(elf.has_run_path(), "it has no run path to turn to {LIBRARIES}");
        let beside = format!("{folder}/llvm");
        if beside != LIBRARIES {
            let up = "../".repeat(folder.split('/').count());
            self.entries.insert(beside, Entry::Link(format!("{up}{LIBRARIES}")));
        }
        elf.look_in("$ORIGIN/llvm")
    }

    /// The programs and libraries that run on `host` among the files so far.
    fn programs(&self, host: &str) -> Result<BTreeMap<String, (PathBuf, Elf)>> {
        let of_host = format!("lib/rustlib/{host}/");
        let mut programs = BTreeMap::new();
        for (path, entry) in &self.entries {
            let Entry::File { source, .. } = entry else { continue };
            if path.starts_with("lib/rustlib/") && !path.starts_with(&of_host) {
                continue;
            }
            if let Some(elf) = read_elf(source)? {
                programs.insert(path.clone(), (source.clone(), elf));
            }
        }
        Ok(programs)
    }
}

/// The newest versions of symbols, as `GLIBC_2.36`, that `programs` ask for in what is left to the
/// machine.
fn newest_versions<'a>(programs: impl Iterator<Item = &'a Elf>) -> Vec<String> {
    let mut newest = Versions::new();
    for elf in programs {
        for kinds in OF_THE_MACHINE.iter().filter_map(|name| elf.versions.get(*name)) {
            for (kind, version) in kinds {
                let known = newest.entry(kind.clone()).or_default();
                *known = version.clone().max(std::mem::take(known));
            }
        }
    }
    let shown = |(kind, version): (String, Vec<u32>)| {
        let numbers: Vec<_> = version.iter().map(u32::to_string).collect();
        format!("{kind}_{}", numbers.join("."))
    };
    newest.into_iter().map(shown).collect()
}

/// What `file` tells the loader, if it is a program or library.
fn read_elf(file: &Path) -> Result<Option<Elf>> {
    let context = || format!("reading {}", file.display());
    let mut magic = Vec::new();
    fs::File::open(file)
        .and_then(|file| file.take(4).read_to_end(&mut magic))
        .with_context(context)?;
    // Most files are none, and some are large.
    if magic != b"\x7fELF" {
        return Ok(None);
    }
    Elf::read(&fs::read(file).with_context(context)?).with_context(context)
}

/// The libraries that the loader brings in for `program` on this machine, by their name, without
/// those that are left to each machine.
fn needed_by(program: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let listing = command::output(Command::new("ldd").arg(program))?;
    let mut libraries = BTreeMap::new();
    for line in listing.lines() {
        let Some((name, found)) = line.trim().split_once(" => ") else { continue };
        if OF_THE_MACHINE.contains(&name) {
            continue;
        }
        let Some((path, _)) = found.split_once(" (") else {
            bail!("{} needs {name}, which this machine does not have", program.display());
        };
        libraries.insert(name.to_owned(), PathBuf::from(path));
    }
    Ok(libraries)
}

fn relative(file: &Path, root: &Path) -> Result<String> {
    let path = file.strip_prefix(root).expect("the file lies below");
    let path = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(path.to_owned())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub const HOST: &str = "x86_64-unknown-linux-gnu";

    /// A sysroot with a rustc that is a program in C, as it is linked: it needs a driver beside it,
    /// and that an LLVM of the machine, which needs `libdirect`, which needs `libdeep`.
    pub struct Fixture {
        pub folder: tempfile::TempDir,
    }

    impl Fixture {
        pub fn new() -> Fixture {
            let fixture = Fixture { folder: tempfile::tempdir().unwrap() };
            let tools = format!("sysroot/lib/rustlib/{HOST}/bin");
            let core = format!("sysroot/lib/rustlib/{HOST}/lib/libcore-1.rlib");
            fixture.put(&core, "the core of the host");
            // The start of an object file, which is not looked into.
            let core = "sysroot/lib/rustlib/thumbv6m-none-eabi/lib/libcore-2.rlib";
            fixture.put(core, "\x7fELF\x01");
            fixture.put("src/library/core/src/lib.rs", "//! core\n");
            fixture.put("src/library/vendor/libc/src/lib.rs", "//! libc\n");
            fixture.put("src/compiler/lib.rs", "//! rustc\n");
            fixture.put("src/COPYRIGHT", "ours\n");
            for folder in ["machine", "sysroot/bin", &tools] {
                fs::create_dir_all(fixture.path(folder)).unwrap();
            }
            std::os::unix::fs::symlink(
                fixture.path("src"),
                fixture.path("sysroot/lib/rustlib/src"),
            )
            .unwrap();

            let machine = fixture.path("machine").display().to_string();
            let of_machine = format!("-Wl,-rpath,$ORIGIN/../lib:{machine}");
            let library = |name: &str| format!("machine/lib{name}.so");
            fixture.link("int deep() { return 42; }", &library("deep"), &["-shared"]);
            fixture.link("int curl() { return 1; }", &library("curl"), &["-shared"]);
            let code = "int deep(); int direct() { return deep(); }";
            fixture.link(code, &library("direct"), &["-shared", "-ldeep"]);
            let code = "int direct(); int llvm() { return direct(); }";
            let arguments = ["-shared", "-ldirect", &of_machine];
            fixture.link(code, &library("LLVM"), &arguments);
            let code = "int llvm(); int driver() { return llvm(); }";
            // The old tag, so that ldd finds what libdirect needs.
            let arguments = ["-shared", "-lLLVM", &of_machine, "-Wl,--disable-new-dtags"];
            fixture.link(code, "sysroot/lib/librustc_driver-1.so", &arguments);
            let code = "int driver(); int main() { return driver(); }";
            let driver = fixture.path("sysroot/lib/librustc_driver-1.so").display().to_string();
            fixture.link(code, "sysroot/bin/rustc", &[&driver, "-Wl,-rpath,$ORIGIN/../lib"]);
            let code = "int llvm(); int main() { return llvm(); }";
            fixture.link(code, &format!("{tools}/llvm-size"), &["-lLLVM", &of_machine]);
            let code = "int curl(); int main() { return curl(); }";
            fixture.link(code, &format!("{tools}/llvm-cov"), &["-lcurl", &of_machine]);
            fixture
        }

        pub fn path(&self, path: &str) -> PathBuf {
            self.folder.path().join(path)
        }

        pub fn put(&self, path: &str, text: &str) {
            let path = self.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn link(&self, code: &str, path: &str, arguments: &[&str]) {
            self.put("code.c", code);
            let machine = self.path("machine");
            let mut cc = Command::new("cc");
            cc.arg(self.path("code.c")).arg("-o").arg(self.path(path)).arg("-L").arg(&machine);
            cc.arg(format!("-Wl,-rpath-link,{}", machine.display()));
            if arguments.contains(&"-shared") {
                let name = path.rsplit('/').next().unwrap();
                cc.arg("-fPIC").arg(format!("-Wl,-soname,{name}"));
            }
            command::output(cc.args(arguments)).unwrap();
        }

        pub fn toolchain(&self) -> Result<Toolchain> {
            Toolchain::of(&self.path("sysroot"), HOST, &self.path("src"))
        }
    }

    #[test]
    fn it_is_the_sysroot_with_the_libraries_it_needs_and_the_source_of_the_standard_library() {
        let toolchain = Fixture::new().toolchain().unwrap();
        let tools = format!("lib/rustlib/{HOST}/bin");
        let expected = [
            "bin/rustc",
            "lib/librustc_driver-1.so",
            "lib/llvm/libLLVM.so",
            "lib/llvm/libdeep.so",
            "lib/llvm/libdirect.so",
            "lib/rustlib/src/rust/library/core/src/lib.rs",
            "lib/rustlib/thumbv6m-none-eabi/lib/libcore-2.rlib",
            &format!("{tools}/llvm"),
            &format!("{tools}/llvm-size"),
            &format!("lib/rustlib/{HOST}/lib/libcore-1.rlib"),
            "share/doc/rust/COPYRIGHT",
        ];
        assert_eq!(toolchain.entries.keys().collect::<Vec<_>>(), expected);
        assert!(toolchain.targets.iter().eq(["thumbv6m-none-eabi", HOST]));
        assert_eq!(toolchain.left_out, ["llvm-cov"]);
        assert!(toolchain.packages.keys().eq(["libLLVM.so", "libdeep.so", "libdirect.so"]));
        assert!(toolchain.needs.iter().any(|version| version.starts_with("GLIBC_2.")));
    }

    #[test]
    fn a_sysroot_without_a_compiler_is_refused() {
        let fixture = Fixture::new();
        fs::remove_file(fixture.path("sysroot/bin/rustc")).unwrap();
        let error = fixture.toolchain().err().unwrap().to_string();
        assert!(error.contains("sysroot has no rustc"), "{error}");
    }

    #[test]
    fn a_library_that_this_machine_does_not_have_is_named() {
        let fixture = Fixture::new();
        fs::remove_file(fixture.path("machine/libdeep.so")).unwrap();
        let error = fixture.toolchain().err().unwrap().to_string();
        assert!(error.contains("needs libdeep.so"), "{error}");
    }
}
