//! `x.py export`

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::base::{self, Pin};
use crate::command;
use crate::overlay::{self, Overlay};
use crate::partial::Partial;
use crate::series::Series;
use crate::tree::Tree;

/// Write our changes to rustc as a series of patches for git am, into build/export.
///
/// The patches are what a reviewer of rustc would read: first the flag, then each pass with its
/// tests, as src/series.toml orders them. Beside them is a cover letter with all of their subjects,
/// `cover-letter.txt`, which git am does not take.
#[derive(clap::Args)]
pub struct Arguments {}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        let _lock = tree.lock()?;
        let base = base::bring_in(&tree, &Pin::read()?)?;
        let overlay = Overlay::read(tree.root(), &overlay::LAID_OUT)?;
        let series = Series::read(tree.root())?;
        for patch in
            export(&overlay, &series, &base.folder, tree.root(), &tree.build().join("export"))?
        {
            println!("{}", patch.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the series into `folder`, in place of what was there, and returns its patches in order.
/// The author is the one that git knows in `repository`.
fn export(
    overlay: &Overlay,
    series: &Series,
    base: &Path,
    repository: &Path,
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    let scratch = tempfile::tempdir()?;
    let git =
        |arguments: &[&str]| command::output(git(scratch.path(), repository)?.args(arguments));
    git(&["init", "--quiet", "--initial-branch=series"])?;

    // The base, as far as we change it.
    for path in overlay.patches.keys() {
        if let Some(text) = overlay::base_file(base, path)? {
            put(scratch.path(), path, text.as_bytes())?;
        }
    }
    git(&["add", "--all", "--force"])?;
    git(&["commit", "--quiet", "--allow-empty", "--message", "The base"])?;
    let start = git(&["rev-parse", "HEAD"])?;

    let mut before = BTreeMap::new();
    for (index, commit) in series.commits.iter().enumerate() {
        let mut commits = overlay.clone();
        commits.truncate(series, index)?;
        let content = commits.content(base)?;
        for (path, bytes) in &content {
            put(scratch.path(), path, bytes)?;
        }
        ensure!(
            content != before,
            "the commit `{}` in src/series.toml has neither files nor hunks",
            commit.name
        );
        before = content;
        let message = format!("{}\n\n{}", commit.subject, commit.body.trim());
        git(&["add", "--all", "--force"])?;
        git(&["commit", "--quiet", "--message", &message])?;
    }

    let patches = Partial::new(folder)?;
    fs::create_dir_all(patches.path())?;
    let output = patches.path().to_str().context("the path of build/export is not UTF-8")?;
    let mut format = vec!["format-patch", "--quiet", "--zero-commit", "--no-signature"];
    format.extend(["-o", output]);
    if let Some(cover) = &series.cover {
        // That is where git looks for the text.
        let text = format!("{}\n\n{}", cover.subject, cover.body.trim());
        git(&["config", "branch.series.description", &text])?;
        format.extend(["--cover-letter", "--cover-from-description=subject"]);
    }
    format.push(start.trim());
    git(&format)?;
    if series.cover.is_some() {
        let letter = patches.path().join("0000-cover-letter.patch");
        fs::rename(letter, patches.path().join("cover-letter.txt"))?;
    }
    patches.finish()?;
    let mut paths: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    paths.sort();
    Ok(paths)
}

/// Git in `folder`, which commits as who it would be in `repository`, and at the time of the last
/// commit there, so that the same tree gives the same series.
fn git(folder: &Path, repository: &Path) -> Result<Command> {
    let ask = |arguments: &[&str], otherwise: &str| {
        let answer = command::output(Command::new("git").args(arguments).current_dir(repository));
        answer.map_or(otherwise.to_owned(), |answer| answer.trim().to_owned())
    };
    let name = ask(&["config", "user.name"], "lean async");
    let email = ask(&["config", "user.email"], "lean-async@localhost");
    let date = ask(&["log", "-1", "--format=%cI"], "2026-01-01T00:00:00Z");
    let mut git = Command::new("git");
    git.current_dir(folder);
    for role in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{role}_NAME"), &name);
        git.env(format!("GIT_{role}_EMAIL"), &email);
        git.env(format!("GIT_{role}_DATE"), &date);
    }
    git.args(["-c", "core.autocrlf=false", "-c", "commit.gpgSign=false", "-c", "core.hooksPath="]);
    Ok(git)
}

fn put(root: &Path, path: &str, content: &[u8]) -> Result<()> {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a file lies in a folder"))?;
    fs::write(&path, content).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::tests::Fixture;

    const SERIES: &str = r#"
        [cover]
        subject = "All of it"
        body = "It belongs together."
        [[commit]]
        name = "flag"
        subject = "Add the flag"
        body = "It is needed."
        files = ["compiler/flag.rs"]
        [[commit]]
        name = "pass"
        subject = "Add the pass"
        body = "It is wanted."
        files = ["compiler/pass.rs", "tests/**"]
    "#;

    fn exported(fixture: &Fixture) -> Result<Vec<PathBuf>> {
        fixture.put("ours/src/series.toml", SERIES);
        let overlay = Overlay::read(&fixture.ours(), &overlay::LAID_OUT)?;
        let series = Series::read(&fixture.ours())?;
        let folder = fixture.folder.path().join("export");
        export(&overlay, &series, &fixture.base.folder, &fixture.ours(), &folder)
    }

    /// What we change in the base, saved, exported and taken by `git am`, is what was edited.
    #[test]
    fn save_and_export_lead_back_to_the_edited_tree() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        fixture.put("ours/compiler/flag.rs", "fn flag() {}\n");
        fixture.put("ours/tests/ui/pass.rs", "fn main() {}\n");
        // Two commits have a hunk in one file, and that of the first one comes last.
        let patch = fixture.get("ours/compiler/lib.rs.patch").unwrap();
        let mut patch = crate::patch::Patch::parse(&patch).unwrap();
        patch.hunks[0].commit = String::from("flag");
        patch.hunks.insert(
            0,
            crate::patch::Hunk {
                line: 0,
                removed: vec![],
                added: vec![String::from("//! ours"), String::new()],
                commit: String::from("pass"),
            },
        );
        fixture.put("ours/compiler/lib.rs.patch", &patch.render());
        fixture.lay_out().unwrap();

        let patches = exported(&fixture).unwrap();
        assert_eq!(patches.len(), 2);
        let first = fs::read_to_string(&patches[0]).unwrap();
        assert!(first.contains("Subject: [PATCH 1/2] Add the flag"), "{first}");
        assert!(first.contains("+mod pass;") && !first.contains("+//! ours"), "{first}");
        // It has context.
        assert!(first.contains("\n mod b;\n"), "{first}");

        let letter = patches[0].with_file_name("cover-letter.txt");
        let letter = fs::read_to_string(letter).unwrap();
        for text in ["[PATCH 0/2] All of it", "It belongs together.", "  Add the pass\n"] {
            assert!(letter.contains(text), "{letter}");
        }

        let clone = fixture.folder.path().join("rustc");
        let sh = |folder: &Path, arguments: &[&str]| {
            command::output(git(folder, &fixture.ours()).unwrap().args(arguments)).unwrap()
        };
        command::output(Command::new("cp").arg("-a").arg(&fixture.base.folder).arg(&clone))
            .unwrap();
        sh(&clone, &["init", "--quiet"]);
        sh(&clone, &["add", "--all"]);
        sh(&clone, &["commit", "--quiet", "--message", "base"]);
        for patch in &patches {
            sh(&clone, &["am", "--quiet", patch.to_str().unwrap()]);
        }
        for path in ["lib.rs", "other.rs", "pass.rs", "flag.rs", "../tests/ui/pass.rs"] {
            let (am, laid) = (clone.join("compiler"), fixture.sources().join("compiler"));
            assert_eq!(fs::read(am.join(path)).unwrap(), fs::read(laid.join(path)).unwrap());
        }
    }

    #[test]
    fn a_file_that_belongs_to_no_commit_is_named_and_nothing_is_written() {
        let fixture = Fixture::new();
        fixture.put("ours/library/lost.rs", "");
        let error = format!("{:#}", exported(&fixture).unwrap_err());
        assert!(error.contains("library/lost.rs"), "{error}");
        assert!(!fixture.folder.path().join("export").exists());
    }

    #[test]
    fn a_hunk_of_an_unknown_commit_is_named() {
        let fixture = Fixture::new();
        let patch = fixture.get("ours/compiler/lib.rs.patch").unwrap();
        fixture.put("ours/compiler/lib.rs.patch", &patch.replace("@@ pass", "@@ who"));
        let error = format!("{:#}", exported(&fixture).unwrap_err());
        assert!(error.contains("`who`") && error.contains("lib.rs.patch"), "{error}");
    }
}
