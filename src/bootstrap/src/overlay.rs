//! Lays our files over a copy of the base, and takes edits made there back.
//!
//! What is laid out is written down with its hash in `.laid-out.json` there. So a file that was
//! edited in the laid-out tree can be told from one that has become old, and an edit is never lost:
//! while our own file stays as it is, the edit stays too; when both have changed, that is an error.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use walkdir::WalkDir;

use crate::base::{self, Base};
use crate::command;
use crate::partial::{self, Partial};
use crate::patch::Patch;
use crate::series::Series;

/// The folders of this repository whose files are laid over the base.
pub const LAID_OUT: [&str; 4] = ["compiler", "library", "tests", "src/doc"];

/// A C file that bootstrap compiles before it runs tests/ui, for tests which link to it. It is
/// among the tests of the base, which the package of the base leaves out. None of ours links to it,
/// so an empty one stands in for it in the laid-out tree, and counts as no edit there.
pub const TEST_HELPERS: &str = "tests/auxiliary/rust_test_helpers.c";

const MANIFEST: &str = ".laid-out.json";
const IDENTITY: &str = ".made-of";

/// What we change in the tree of rustc: whole files of ours and patches, by their path there.
#[derive(Clone)]
pub struct Overlay {
    pub files: BTreeMap<String, Vec<u8>>,
    pub patches: BTreeMap<String, Patch>,
}

impl Overlay {
    /// Reads what the repository at `root` holds for `folders`.
    pub fn read(root: &Path, folders: &[&str]) -> Result<Overlay> {
        let mut overlay = Overlay { files: BTreeMap::new(), patches: BTreeMap::new() };
        for path in folders.iter().map(|folder| root.join(folder)).filter(|path| path.exists()) {
            for file in files_below(&path)? {
                let path = relative(&file, root)?;
                let content =
                    fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
                match path.strip_suffix(".patch") {
                    Some(target) => {
                        let patch = std::str::from_utf8(&content)
                            .context("it is not UTF-8")
                            .and_then(Patch::parse)
                            .with_context(|| path.clone())?;
                        ensure!(patch.path == target, "{path} changes {} instead", patch.path);
                        overlay.patches.insert(target.to_owned(), patch);
                    }
                    None => {
                        overlay.files.insert(path, content);
                    }
                }
            }
        }
        Ok(overlay)
    }

    /// Keeps only the files and hunks of the commits of `series` up to and with `last`.
    pub fn truncate(&mut self, series: &Series, last: usize) -> Result<()> {
        let mut later = Vec::new();
        for path in self.files.keys() {
            if series.position_of_file(path)? > last {
                later.push(path.clone());
            }
        }
        self.files.retain(|path, _| !later.contains(path));
        for (path, patch) in &mut self.patches {
            for hunk in &patch.hunks {
                series.position(&hunk.commit).with_context(|| format!("{path}.patch"))?;
            }
            patch.hunks.retain(|hunk| {
                series.position(&hunk.commit).is_ok_and(|position| position <= last)
            });
        }
        Ok(())
    }

    /// Every file that we change or add, as it shall be.
    pub fn content(&self, base: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut content = self.files.clone();
        for (path, patch) in &self.patches {
            let old = base_file(base, path)?
                .with_context(|| format!("{path}.patch changes a file that the base has not"))?;
            content.insert(path.clone(), patch.apply(&old)?.into_bytes());
        }
        Ok(content)
    }
}

/// The text of the file `path` of the base, if the base has it.
pub fn base_file(base: &Path, path: &str) -> Result<Option<String>> {
    let file = base.join(path);
    if !file.is_file() {
        return Ok(None);
    }
    fs::read_to_string(&file).map(Some).with_context(|| format!("reading {}", file.display()))
}

/// Makes `sources` a copy of `base` unless it is one.
pub fn copy_base(base: &Base, sources: &Path) -> Result<()> {
    let stamp = sources.join(IDENTITY);
    if fs::read_to_string(&stamp).is_ok_and(|identity| identity == base.identity) {
        return Ok(());
    }
    if let Some(edited) = edited_since_laid_out(sources)? {
        bail!(
            "{} is made of another base, and {edited} is edited there; keep what you need of it, \
             remove it with ./x.py clean --sources, and try again",
            sources.display()
        );
    }
    let copy = Partial::new(sources)?;
    {
        let _progress = base::working("copying the base");
        let mut cp = Command::new("cp");
        cp.args(["-a", "--reflink=auto"]).arg(&base.folder).arg(copy.path());
        command::output(&mut cp)?;
        fs::write(copy.path().join(IDENTITY), &base.identity)?;
    }
    copy.finish()
}

/// Lays `overlay` over `sources`, a copy of `base`. Only files that differ are written, and none if
/// there is an error. Returns how many were written or removed.
pub fn lay_out(overlay: &Overlay, base: &Base, sources: &Path) -> Result<usize> {
    let wanted = overlay.content(&base.folder)?;
    let mut manifest = read_manifest(sources)?;

    // What is there, is it what we laid out?
    let mut conflicts = Vec::new();
    let mut changes: Vec<(&str, Option<Vec<u8>>)> = Vec::new();
    for (path, content) in &wanted {
        let hash = base::sha256(content);
        let laid = manifest.get(path);
        let there = hash_of(&sources.join(path))?;
        if there.as_ref() == Some(&hash) {
            continue;
        }
        let before = match laid {
            Some(laid) => Some(laid.clone()),
            None => hash_of(&base.folder.join(path))?,
        };
        if there == before {
            changes.push((path, Some(content.clone())));
        } else if laid == Some(&hash) {
            eprintln!("note: {path} is edited in the laid-out tree (./x.py save keeps that)");
        } else {
            conflicts.push(path.as_str());
        }
    }
    for (path, laid) in manifest.iter().filter(|(path, _)| !wanted.contains_key(*path)) {
        let there = hash_of(&sources.join(path))?;
        let original = base.folder.join(path);
        if there == hash_of(&original)? {
            continue;
        } else if there.as_ref() == Some(laid) {
            changes.push((path, original.is_file().then(|| fs::read(&original)).transpose()?));
        } else {
            conflicts.push(path);
        }
    }
    if !conflicts.is_empty() {
        bail!(
            "these files are edited in the laid-out tree, and ours have changed since:\n    {}\n\
             keep the edits with ./x.py save, or drop them with ./x.py setup --discard",
            conflicts.join("\n    ")
        );
    }

    let count = changes.len();
    for (path, content) in changes {
        match content {
            Some(content) => drop(partial::write(&sources.join(path), &content)?),
            None => partial::remove(&sources.join(path))?,
        }
    }
    manifest = wanted.iter().map(|(path, content)| (path.clone(), base::sha256(content))).collect();
    write_manifest(sources, &manifest)?;
    Ok(count)
}

/// Puts every file below `folders` of `sources` back to what the base has, edits included.
pub fn discard(base: &Base, sources: &Path, folders: &[&str]) -> Result<()> {
    for path in edits(base, sources, folders)? {
        match fs::read(base.folder.join(&path)) {
            Ok(content) => drop(partial::write(&sources.join(&path), &content)?),
            Err(_) => partial::remove(&sources.join(&path))?,
        }
    }
    write_manifest(sources, &BTreeMap::new())
}

/// The paths that were laid out in `sources`, with the hash of what was.
pub fn laid_out(sources: &Path) -> Result<BTreeMap<String, String>> {
    read_manifest(sources)
}

/// Writes down that what lies below `folders` in `sources` is what `overlay` says, after a save.
/// What `overlay` has newer stays written down as it was laid out.
pub fn note_saved(overlay: &Overlay, base: &Base, sources: &Path, folders: &[&str]) -> Result<()> {
    let mut manifest = read_manifest(sources)?;
    let content = overlay.content(&base.folder)?;
    manifest.retain(|path, _| {
        content.contains_key(path)
            || !folders.iter().any(|folder| Path::new(path).starts_with(folder))
    });
    for (path, bytes) in content {
        let hash = base::sha256(&bytes);
        if hash_of(&sources.join(&path))?.as_ref() == Some(&hash) {
            manifest.insert(path, hash);
        }
    }
    write_manifest(sources, &manifest)
}

/// The files below `folders` in which `sources` differs from the base: changed, added or removed.
pub fn edits(base: &Base, sources: &Path, folders: &[&str]) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for folder in folders {
        let there = list(&sources.join(folder), sources)?;
        let original = list(&base.folder.join(folder), &base.folder)?;
        for (path, stamp) in &there {
            // A copy keeps the time of its original, so few files need to be read.
            if original.get(path) != Some(stamp)
                && hash_of(&sources.join(path))? != hash_of(&base.folder.join(path))?
            {
                paths.push(path.clone());
            }
        }
        paths.extend(original.into_keys().filter(|path| !there.contains_key(path)));
    }
    paths.retain(|path| path != TEST_HELPERS);
    Ok(paths)
}

/// Whether `sources` is anything else than `base` with `overlay` laid over it.
pub fn differs(overlay: &Overlay, base: &Base, sources: &Path) -> Result<bool> {
    let wanted = overlay.content(&base.folder)?;
    let edits = edits(base, sources, &LAID_OUT)?;
    if edits.iter().any(|path| !wanted.contains_key(path)) {
        return Ok(true);
    }
    for (path, content) in &wanted {
        if hash_of(&sources.join(path))? != Some(base::sha256(content)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A file in `sources` that was edited after our files were laid out, whatever base it is made of.
fn edited_since_laid_out(sources: &Path) -> Result<Option<String>> {
    let Ok(manifest_file) = fs::metadata(sources.join(MANIFEST)) else { return Ok(None) };
    let laid_out = manifest_file.modified()?;
    let manifest = read_manifest(sources)?;
    for folder in LAID_OUT {
        for (path, (_, time)) in list(&sources.join(folder), sources)? {
            if time > laid_out
                && path != TEST_HELPERS
                && hash_of(&sources.join(&path))?.as_ref() != manifest.get(&path)
            {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

/// The files below `folder`, by their path from `root`, with their size and time.
fn list(folder: &Path, root: &Path) -> Result<BTreeMap<String, (u64, std::time::SystemTime)>> {
    if !folder.exists() {
        return Ok(BTreeMap::new());
    }
    let mut files = BTreeMap::new();
    for file in files_below(folder)? {
        let metadata = fs::symlink_metadata(&file)?;
        files.insert(relative(&file, root)?, (metadata.len(), metadata.modified()?));
    }
    Ok(files)
}

/// The files below `folder`, sorted by their path.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.with_context(|| format!("listing {}", folder.display()))?;
        let compiled = entry.path().components().any(|part| part.as_os_str() == "__pycache__");
        if !entry.file_type().is_dir() && !compiled {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

fn relative(file: &Path, root: &Path) -> Result<String> {
    let path = file.strip_prefix(root).expect("the file lies below");
    let path = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(path.to_owned())
}

/// The hash of `file`, if it is there.
pub fn hash_of(file: &Path) -> Result<Option<String>> {
    if !file.is_file() {
        return Ok(None);
    }
    let content = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(Some(base::sha256(&content)))
}

fn read_manifest(sources: &Path) -> Result<BTreeMap<String, String>> {
    match fs::read(sources.join(MANIFEST)) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| {
            format!("{MANIFEST} in {} is broken; remove that folder", sources.display())
        }),
        Err(_) => Ok(BTreeMap::new()),
    }
}

fn write_manifest(sources: &Path, manifest: &BTreeMap<String, String>) -> Result<()> {
    partial::write(&sources.join(MANIFEST), &serde_json::to_vec_pretty(manifest)?)?;
    Ok(())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A base with two files, a copy of it, and a repository that changes one and adds one.
    pub struct Fixture {
        pub folder: tempfile::TempDir,
        pub base: Base,
    }

    impl Fixture {
        pub fn new() -> Fixture {
            let folder = tempfile::tempdir().unwrap();
            let base =
                Base { folder: folder.path().join("base"), identity: String::from("a base") };
            let fixture = Fixture { folder, base };
            fixture.put("base/compiler/lib.rs", "mod a;\nmod b;\n");
            fixture.put("base/compiler/other.rs", "fn other() {}\n");
            fixture.put("ours/compiler/pass.rs", "fn pass() {}\n");
            let patch = Patch::between(
                "compiler/lib.rs",
                "mod a;\nmod b;\n",
                "mod a;\nmod b;\nmod pass;\n",
                None,
                "pass",
            );
            fixture.put("ours/compiler/lib.rs.patch", &patch.unwrap().render());
            copy_base(&fixture.base, &fixture.sources()).unwrap();
            fixture
        }

        pub fn ours(&self) -> PathBuf {
            self.folder.path().join("ours")
        }

        pub fn sources(&self) -> PathBuf {
            self.folder.path().join("src")
        }

        pub fn put(&self, path: &str, text: &str) {
            let path = self.folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        pub fn get(&self, path: &str) -> Option<String> {
            fs::read_to_string(self.folder.path().join(path)).ok()
        }

        pub fn lay_out(&self) -> Result<usize> {
            lay_out(&Overlay::read(&self.ours(), &LAID_OUT)?, &self.base, &self.sources())
        }
    }

    #[test]
    fn files_and_patches_are_laid_out_once() {
        let fixture = Fixture::new();
        assert_eq!(fixture.lay_out().unwrap(), 2);
        assert_eq!(fixture.get("src/compiler/pass.rs").unwrap(), "fn pass() {}\n");
        assert_eq!(fixture.get("src/compiler/lib.rs").unwrap(), "mod a;\nmod b;\nmod pass;\n");
        assert_eq!(fixture.lay_out().unwrap(), 0);
    }

    #[test]
    fn what_is_laid_out_differs_with_any_edit() {
        let differs = |edit: &dyn Fn(&Fixture)| {
            let fixture = Fixture::new();
            fixture.lay_out().unwrap();
            edit(&fixture);
            let overlay = Overlay::read(&fixture.ours(), &LAID_OUT).unwrap();
            super::differs(&overlay, &fixture.base, &fixture.sources()).unwrap()
        };
        assert!(!differs(&|_| ()));
        assert!(differs(&|fixture| fixture.put("src/compiler/pass.rs", "fn other() {}\n")));
        assert!(differs(&|fixture| fixture.put("src/compiler/other.rs", "fn edited() {}\n")));
        assert!(differs(&|fixture| fixture.put("src/compiler/lib.rs", "mod a;\nmod b;\n")));
        assert!(differs(&|fixture| fixture.put("src/library/new.rs", "")));
    }

    #[test]
    fn only_what_has_changed_is_written() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        let time =
            |path: &str| fs::metadata(fixture.sources().join(path)).unwrap().modified().unwrap();
        let before = time("compiler/lib.rs");
        fixture.put("ours/compiler/pass.rs", "fn pass() { better() }\n");
        assert_eq!(fixture.lay_out().unwrap(), 1);
        assert_eq!(time("compiler/lib.rs"), before);
    }

    #[test]
    fn what_we_take_away_goes_back_to_the_base() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        fs::remove_file(fixture.ours().join("compiler/pass.rs")).unwrap();
        fs::remove_file(fixture.ours().join("compiler/lib.rs.patch")).unwrap();
        assert_eq!(fixture.lay_out().unwrap(), 2);
        assert_eq!(fixture.get("src/compiler/pass.rs"), None);
        assert_eq!(fixture.get("src/compiler/lib.rs"), fixture.get("base/compiler/lib.rs"));
    }

    #[test]
    fn an_edit_is_kept_and_a_conflict_refused_before_anything_is_written() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        fixture.put("src/compiler/pass.rs", "edited\n");
        assert_eq!(fixture.lay_out().unwrap(), 0);
        assert_eq!(fixture.get("src/compiler/pass.rs").unwrap(), "edited\n");

        fixture.put("ours/compiler/pass.rs", "ours has changed too\n");
        fixture.put("ours/compiler/aaa.rs", "new\n");
        let error = fixture.lay_out().unwrap_err().to_string();
        assert!(error.contains("compiler/pass.rs") && error.contains("--discard"), "{error}");
        assert_eq!(fixture.get("src/compiler/pass.rs").unwrap(), "edited\n");
        assert_eq!(fixture.get("src/compiler/aaa.rs"), None);

        discard(&fixture.base, &fixture.sources(), &LAID_OUT).unwrap();
        assert_eq!(fixture.lay_out().unwrap(), 3);
        assert_eq!(fixture.get("src/compiler/pass.rs").unwrap(), "ours has changed too\n");
    }

    #[test]
    fn a_patch_for_another_base_is_refused_and_nothing_is_written() {
        let fixture = Fixture::new();
        fixture.put("base/compiler/lib.rs", "mod a;\nmod c;\n");
        let error = fixture.lay_out().unwrap_err().to_string();
        assert!(error.contains("compiler/lib.rs.patch"), "{error}");
        assert_eq!(fixture.get("src/compiler/pass.rs"), None);
    }

    #[test]
    fn edits_are_found_whatever_they_are() {
        let fixture = Fixture::new();
        assert!(edits(&fixture.base, &fixture.sources(), &LAID_OUT).unwrap().is_empty());
        fixture.put("src/compiler/lib.rs", "mod A;\nmod b;\n");
        fixture.put("src/tests/new.rs", "");
        fixture.put(&format!("src/{TEST_HELPERS}"), "");
        fs::remove_file(fixture.sources().join("compiler/other.rs")).unwrap();
        let mut edited = edits(&fixture.base, &fixture.sources(), &LAID_OUT).unwrap();
        edited.sort();
        assert_eq!(edited, ["compiler/lib.rs", "compiler/other.rs", "tests/new.rs"]);
    }

    #[test]
    fn a_tree_of_another_base_is_made_anew_unless_it_is_edited() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        let other =
            Base { folder: fixture.base.folder.clone(), identity: String::from("another base") };
        copy_base(&other, &fixture.sources()).unwrap();
        assert_eq!(fixture.get("src/.made-of").unwrap(), "another base");
        assert_eq!(fixture.get("src/compiler/pass.rs"), None);

        fixture.lay_out().unwrap();
        fixture.put("src/compiler/lib.rs", "edited\n");
        // Later than the clock of the file system can tell apart.
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(1);
        let edited =
            fs::File::options().append(true).open(fixture.sources().join("compiler/lib.rs"));
        edited.unwrap().set_modified(later).unwrap();
        let error = copy_base(&fixture.base, &fixture.sources()).unwrap_err().to_string();
        assert!(error.contains("compiler/lib.rs is edited"), "{error}");
    }
}
