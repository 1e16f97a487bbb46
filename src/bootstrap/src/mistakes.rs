//! A compiler with mistakes in our passes, to see whether async-fuzz finds them.
//!
//! `src/tools/async-fuzz/mistakes.toml` lists them. Each names a file of the laid-out tree, a text
//! that is there exactly once, and what is wrongly there instead:
//!
//! ```text
//! [[mistake]]
//! name = "forgotten-drop"
//! why = "A future that is dropped where it waits does not drop what it waits for."
//! [[mistake.change]]
//! file = "compiler/rustc_mir_transform/src/elide_no_await.rs"
//! right = "finished.contains(local)"
//! wrong = "($made || finished.contains(local))"
//! ```
//!
//! All are built into one compiler, in `build/mistaken`. It makes the one that the variable
//! `ASYNC_FUZZ_MISTAKE` of its environment names; `$made` stands for the question whether that is
//! so. The compiler that is used for all else has no such question in it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::overlay::{self, Overlay};

/// Where the mistakes are listed, from the root of the repository.
pub const LIST: &str = "src/tools/async-fuzz/mistakes.toml";

/// The variable of the environment that names the one to be made.
pub const VARIABLE: &str = "ASYNC_FUZZ_MISTAKE";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mistake: Vec<Mistake>,
}

/// What a pass may get wrong.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    pub name: String,
    /// What goes wrong because of it.
    pub why: String,
    /// How async-fuzz is to look for it, where it takes more than a difference of behaviour to see
    /// it.
    #[serde(default)]
    pub arguments: Vec<String>,
    change: Vec<Change>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// Its path in the tree of rustc.
    file: String,
    right: String,
    wrong: String,
}

/// Reads the list of the repository at `root`.
pub fn read(root: &Path) -> Result<Vec<Mistake>> {
    let path = root.join(LIST);
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let list: List = toml::from_str(&text).with_context(|| LIST)?;
    Ok(list.mistake)
}

/// Has `overlay`, which is laid over `base`, make `mistakes`. An error if the right text of one is
/// not there exactly once.
pub fn make(mistakes: &[Mistake], overlay: &mut Overlay, base: &Path) -> Result<()> {
    let mut content = overlay.content(base)?;
    for Mistake { name, change, .. } in mistakes {
        let made = format!("std::env::var_os(\"{VARIABLE}\").is_some_and(|it| it == \"{name}\")");
        for Change { file, right, wrong } in change {
            let text = match content.get(file) {
                Some(ours) => String::from_utf8(ours.clone()).context("it is not UTF-8")?,
                None => overlay::base_file(base, file)?
                    .with_context(|| format!("{LIST}: there is no {file} for `{name}`"))?,
            };
            let count = text.matches(right.as_str()).count();
            ensure!(
                count == 1,
                "{LIST}: what `{name}` changes in {file} is there {count} times, and not once: \
                 `{right}`"
            );
            let text = text.replacen(right.as_str(), &wrong.replace("$made", &made), 1);
            content.insert(file.clone(), text.into_bytes());
        }
    }
    *overlay = Overlay { files: content, patches: Default::default() };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(name: &str, file: &str, right: &str, wrong: &str) -> Mistake {
        let (file, right, wrong) = (file.to_owned(), right.to_owned(), wrong.to_owned());
        Mistake {
            name: name.to_owned(),
            arguments: Vec::new(),
            why: String::new(),
            change: vec![Change { file, right, wrong }],
        }
    }

    fn made(mistakes: &[Mistake]) -> Result<Overlay> {
        let base = tempfile::tempdir()?;
        std::fs::write(base.path().join("base.rs"), "let a = b;\n")?;
        let files = [(String::from("ours.rs"), b"one two two\n".to_vec())];
        let mut overlay = Overlay { files: files.into(), patches: Default::default() };
        make(mistakes, &mut overlay, base.path())?;
        Ok(overlay)
    }

    #[test]
    fn mistakes_are_made_in_our_files_and_in_those_of_the_base() {
        let mistakes = [
            mistake("first", "ours.rs", "one", "1"),
            mistake("second", "base.rs", "b;", "if $made { c } else { b };"),
            mistake("third", "base.rs", "let a", "let _a"),
        ];
        let files = made(&mistakes).unwrap().files;
        assert_eq!(files["ours.rs"], b"1 two two\n");
        let text = str::from_utf8(&files["base.rs"]).unwrap();
        let question = r#"std::env::var_os("ASYNC_FUZZ_MISTAKE").is_some_and(|it| it == "second")"#;
        assert_eq!(text, format!("let _a = if {question} {{ c }} else {{ b }};\n"));
    }

    #[test]
    fn what_a_mistake_changes_must_be_there_once() {
        for (file, right) in [("ours.rs", "two"), ("ours.rs", "three"), ("none.rs", "one")] {
            let error = made(&[mistake("it", file, right, "")]).err().unwrap().to_string();
            assert!(error.contains(LIST) && error.contains("`it`"), "{error}");
        }
    }

    #[test]
    fn the_list_can_be_read_and_its_names_differ() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let mut names: Vec<_> = read(root).unwrap().into_iter().map(|it| it.name).collect();
        let count = names.len();
        assert!(count >= 5);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_is_changed_in_our_files_is_there_once() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        for Mistake { name, change, .. } in read(root).unwrap() {
            for Change { file, right, .. } in change {
                // What is not ours is looked up in the base when the mistake is made.
                if let Ok(text) = std::fs::read_to_string(root.join(file)) {
                    assert_eq!(text.matches(&right).count(), 1, "{name}: {right}");
                }
            }
        }
    }
}
