//! `x.py save`

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::base::{self, Base, Pin};
use crate::overlay::{self, Overlay};
use crate::partial;
use crate::patch::Patch;
use crate::series::Series;
use crate::tree::{Checkout, Tree};

/// Take edits made in build/src back into our files and patches.
///
/// A new file is copied to its place here; a change to a file of the base becomes its .patch, or
/// changes it. What is below compiler, library, tests and src/doc is looked at.
#[derive(clap::Args)]
pub struct Arguments {
    /// The commit in src/series.toml that new hunks belong to [default: the last one]
    #[arg(long, value_name = "NAME")]
    commit: Option<String>,
}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        let _lock = tree.lock()?;
        let series = Series::read(tree.root())?;
        let last = series.commits.last().expect("a series is not empty");
        let commit = self.commit.as_deref().unwrap_or(&last.name);
        series.position(commit)?;
        let base = base::bring_in(&tree, &Pin::read()?)?;
        let sources = tree.sources(Checkout::Patched);
        ensure!(
            sources.is_dir(),
            "nothing is laid out yet; ./x.py setup does that, into {}",
            sources.display()
        );
        let saved = take_back(tree.root(), &base, &sources, &overlay::LAID_OUT, commit)?;
        for path in &saved {
            println!("saved {path}");
        }
        if saved.is_empty() {
            println!("nothing is edited in {}", sources.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Takes what a test run has blessed in `checkout` back into our tests/.
pub fn take_tests_back(tree: &Tree, checkout: Checkout, base: &Base) -> Result<()> {
    let sources = tree.sources(checkout);
    for path in take_back(tree.root(), base, &sources, &["tests"], "")? {
        println!("blessed {path}");
    }
    Ok(())
}

/// Makes our files and patches in `root` say what lies below `folders` in `sources`. New hunks
/// belong to `commit`. Returns the paths of ours that changed. A file that is as it was laid out is
/// left alone, since ours may be newer; one that is edited in both places is an error. Nothing is
/// written if there is an error.
fn take_back(
    root: &Path,
    base: &Base,
    sources: &Path,
    folders: &[&str],
    commit: &str,
) -> Result<Vec<String>> {
    let before = Overlay::read(root, folders)?;
    let ours = before.content(&base.folder)?;
    let laid_out = overlay::laid_out(sources)?;
    let mut wanted = Vec::new();
    let mut conflicts = Vec::new();
    let edited = overlay::edits(base, sources, folders)?;
    for path in &edited {
        let file = sources.join(path);
        let there = overlay::hash_of(&file)?;
        let ours = ours.get(path).map(|content| base::sha256(content));
        let laid = laid_out.get(path);
        if laid.is_some() && there.as_ref() == laid {
            continue;
        }
        if ours.is_some() && ours.as_ref() != laid && ours != there {
            conflicts.push(path.as_str());
        }
        let content = fs::read(&file).with_context(|| {
            format!(
                "{path} of the base was removed in {}, which no .patch can say",
                sources.display()
            )
        })?;
        match overlay::base_file(&base.folder, path)? {
            Some(old) => {
                let new = String::from_utf8(content).with_context(|| path.clone())?;
                let known = before.patches.get(path);
                let patch = Patch::between(path, &old, &new, known, commit)?;
                wanted.push((format!("{path}.patch"), patch.render().into_bytes()));
            }
            None => wanted.push((path.clone(), content)),
        }
    }

    ensure!(
        conflicts.is_empty(),
        "these files are edited both here and in {}:\n    {}\nkeep one of the two, and try again",
        sources.display(),
        conflicts.join("\n    ")
    );

    let mut saved = Vec::new();
    for (path, content) in wanted {
        if partial::write(&root.join(&path), &content)? {
            saved.push(path);
        }
    }
    // What was laid out and is not there any more, or is what the base has, was taken back there.
    // What was never laid out, such as a file that was written here since, stays.
    for path in laid_out.into_keys().filter(|path| !edited.contains(path)) {
        let ours = match before.patches.contains_key(&path) {
            true => format!("{path}.patch"),
            false if before.files.contains_key(&path) => path,
            false => continue,
        };
        partial::remove(&root.join(&ours))?;
        saved.push(ours);
    }
    let after = Overlay::read(root, folders)?;
    overlay::note_saved(&after, base, sources, folders)?;
    Ok(saved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::tests::Fixture;

    fn save(fixture: &Fixture) -> Result<Vec<String>> {
        let (ours, sources) = (fixture.ours(), fixture.sources());
        take_back(&ours, &fixture.base, &sources, &overlay::LAID_OUT, "new")
    }

    #[test]
    fn nothing_changes_when_nothing_is_edited() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        assert!(save(&fixture).unwrap().is_empty());
    }

    #[test]
    fn edits_come_back_and_lead_to_the_same_tree_again() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        fixture.put("src/compiler/pass.rs", "fn pass() { edited() }\n");
        fixture.put("src/compiler/lib.rs", "mod a;\nmod b;\nmod pass;\nmod more;\n");
        fixture.put("src/compiler/other.rs", "fn other() { changed() }\n");
        fixture.put("src/tests/ui/new.rs", "fn main() {}\n");
        let saved = save(&fixture).unwrap();
        assert_eq!(
            saved,
            [
                "compiler/lib.rs.patch",
                "compiler/other.rs.patch",
                "compiler/pass.rs",
                "tests/ui/new.rs"
            ]
        );
        assert!(fixture.get("ours/compiler/other.rs.patch").unwrap().contains("@@ new\n"));

        // From our files alone, another copy of the base becomes what was edited.
        let again = fixture.folder.path().join("again");
        overlay::copy_base(&fixture.base, &again).unwrap();
        let ours = Overlay::read(&fixture.ours(), &overlay::LAID_OUT).unwrap();
        overlay::lay_out(&ours, &fixture.base, &again).unwrap();
        for path in ["compiler/pass.rs", "compiler/lib.rs", "compiler/other.rs", "tests/ui/new.rs"]
        {
            let (edited, made) = (fixture.sources().join(path), again.join(path));
            assert_eq!(fs::read(edited).unwrap(), fs::read(made).unwrap(), "{path}");
        }
    }

    #[test]
    fn what_is_removed_or_put_back_there_is_removed_here() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        fs::remove_file(fixture.sources().join("compiler/pass.rs")).unwrap();
        fixture.put("src/compiler/lib.rs", "mod a;\nmod b;\n");
        assert_eq!(save(&fixture).unwrap(), ["compiler/lib.rs.patch", "compiler/pass.rs"]);
        assert_eq!(fixture.get("ours/compiler/pass.rs"), None);
        assert_eq!(fixture.get("ours/compiler/lib.rs.patch"), None);
    }

    #[test]
    fn what_was_written_here_since_stays() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        fixture.put("ours/tests/ui/new.rs", "fn main() {}\n");
        fixture.put("src/compiler/pass.rs", "edited\n");
        assert_eq!(save(&fixture).unwrap(), ["compiler/pass.rs"]);
        assert!(fixture.get("ours/tests/ui/new.rs").is_some());
        // It has not been laid out by that, either.
        assert_eq!(fixture.lay_out().unwrap(), 1);
        assert!(fixture.get("src/tests/ui/new.rs").is_some());
    }

    #[test]
    fn what_was_edited_here_since_stays() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        fixture.put("ours/compiler/pass.rs", "newer\n");
        fixture.put("src/tests/ui/new.rs", "fn main() {}\n");
        assert_eq!(save(&fixture).unwrap(), ["tests/ui/new.rs"]);
        assert_eq!(fixture.get("ours/compiler/pass.rs").unwrap(), "newer\n");
        // It is laid out next time.
        assert_eq!(fixture.lay_out().unwrap(), 1);
        assert_eq!(fixture.get("src/compiler/pass.rs").unwrap(), "newer\n");
    }

    #[test]
    fn what_was_edited_in_both_places_is_an_error() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        fixture.put("ours/compiler/pass.rs", "newer\n");
        fixture.put("src/compiler/pass.rs", "edited\n");
        fixture.put("src/tests/ui/new.rs", "fn main() {}\n");
        assert!(save(&fixture).unwrap_err().to_string().contains("compiler/pass.rs"));
        assert_eq!(fixture.get("ours/compiler/pass.rs").unwrap(), "newer\n");
        assert!(fixture.get("ours/tests/ui/new.rs").is_none());
    }

    #[test]
    fn a_file_of_the_base_that_was_removed_is_an_error() {
        let fixture = Fixture::new();
        fixture.lay_out().unwrap();
        fs::remove_file(fixture.sources().join("compiler/other.rs")).unwrap();
        assert!(save(&fixture).unwrap_err().to_string().contains("compiler/other.rs"));
    }
}
