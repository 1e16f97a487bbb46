//! The source files that futures are written in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::dump::Source;
use super::model::{Group, Layout};

/// What stands before the part of a path that says which crate it is: cargo keeps the source of
/// other crates there, and a compiler that of its library.
const FOLDERS: [&str; 3] = ["registry/src", "git/checkouts", "rustlib/src"];

/// The files, by their absolute paths.
#[derive(Debug, Default)]
pub struct Files(BTreeMap<PathBuf, String>);

/// A file with its text.
#[derive(Debug, Serialize)]
pub struct Text {
    /// Its name for people.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl Files {
    /// The files that the `groups` name. Those of the project are named from its `root`.
    pub fn new(groups: &[Group], root: &Path) -> Self {
        let mut files = BTreeMap::new();
        for future in groups.iter().flat_map(|group| &group.futures) {
            let layouts = [&future.off, &future.on];
            let sources = layouts.into_iter().flatten().flat_map(sources);
            for source in sources.chain(&future.source) {
                if !files.contains_key(&source.file) {
                    files.insert(source.file.clone(), name(&source.file, root));
                }
            }
        }
        Files(files)
    }

    /// A source for people, as `src/main.rs:12`.
    pub fn place(&self, source: &Source) -> String {
        match self.0.get(&source.file) {
            Some(name) => format!("{name}:{}", source.line),
            None => format!("{}:{}", source.file.display(), source.line),
        }
    }

    /// The files that can be read, with their texts.
    pub fn texts<'a>(&'a self) -> BTreeMap<&'a Path, Text> {
        let read = |(path, name): (&'a PathBuf, &String)| {
            let text = fs::read_to_string(path).ok()?;
            Some((path.as_path(), Text { name: name.clone(), text }))
        };
        self.0.iter().filter_map(read).collect()
    }
}

/// All sources in a layout.
fn sources(layout: &Layout) -> impl Iterator<Item = &Source> {
    let values = layout.values.iter().filter_map(|value| value.source.as_ref());
    let states = layout.states.iter().filter_map(|state| state.source.as_ref());
    let awaits = layout.awaits.iter().flat_map(|found| {
        found.source.iter().chain(found.fates.iter().filter_map(|fate| fate.with.as_ref()))
    });
    values.chain(states).chain(awaits)
}

/// The path without what is the same for all files of a project or a registry.
fn name(path: &Path, root: &Path) -> String {
    if let Ok(below) = path.strip_prefix(root) {
        return below.display().to_string();
    }
    let text = path.display().to_string();
    for folder in FOLDERS {
        if let Some((_, below)) = text.split_once(&format!("{folder}/")) {
            // Behind it is the folder of one registry.
            return below.split_once('/').map_or(below, |(_, below)| below).to_owned();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::futures::model::tests::group;

    #[test]
    fn files_are_named_from_the_project_or_the_crate() {
        let name = |path: &str| name(Path::new(path), Path::new("/app"));
        assert_eq!(name("/app/src/net.rs"), "src/net.rs");
        assert_eq!(
            name("/c/registry/src/index-1f/timer-0.1.0/src/lib.rs"),
            "timer-0.1.0/src/lib.rs"
        );
        assert_eq!(name("/elsewhere/lib.rs"), "/elsewhere/lib.rs");
    }

    #[test]
    fn places_have_a_line() {
        let group = group();
        let source = group.futures[0].source.clone().unwrap();
        let files = Files::new(&[group], Path::new("/app"));
        assert_eq!(files.place(&source), "src/main.rs:9");
    }

    #[test]
    fn what_cannot_be_read_has_no_text() {
        assert!(Files::new(&[group()], Path::new("/app")).texts().is_empty());
    }
}
