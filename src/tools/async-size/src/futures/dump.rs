//! Reads what the compiler writes with `-Zdump-coroutines`, one file per crate.
//!
//! The flag's page in the unstable book says what the fields are. What this tool has no use for is
//! passed over.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The flag for rustc; a folder follows.
pub const FLAG: &str = "dump-coroutines";

/// A coroutine that gets code.
#[derive(Clone, Debug, Deserialize)]
pub struct Coroutine {
    /// Its type, with generic arguments.
    pub name: String,
    /// Its item, without.
    pub path: String,
    /// The crate with its source.
    pub defined_in: String,
    /// What was written: `async fn`, `async block` and so on.
    pub kind: String,
    /// The function that resumes it.
    pub symbol: String,
    /// Where it is written.
    pub source: Option<Source>,
    /// In bytes.
    pub size: u64,
    /// In bytes.
    pub align: u64,
    /// The number of the state.
    pub tag: Option<Bytes>,
    /// What it has captured.
    pub upvars: Vec<Value>,
    /// What it saves while it is suspended.
    pub saved: Vec<Value>,
    /// Its states, by number.
    pub states: Vec<State>,
    /// What became of its awaits; the last entry of a kind holds.
    pub awaits: Vec<Await>,
    /// The crate with the code. The name of the file tells it.
    #[serde(skip)]
    pub krate: String,
}

/// A part of a coroutine.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Bytes {
    /// Where it begins.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
}

/// A value that a coroutine holds.
#[derive(Clone, Debug, Deserialize)]
pub struct Value {
    /// The variable, if there is one.
    pub name: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// The coroutines that are part of its type, by name.
    pub coroutines: Vec<String>,
    /// Where it is declared.
    pub source: Option<Source>,
    /// Where its bytes are.
    pub offset: u64,
    /// How many they are.
    pub size: u64,
    /// Its alignment.
    pub align: u64,
}

/// A state of a coroutine.
#[derive(Clone, Debug, Deserialize)]
pub struct State {
    /// `Unresumed`, `Returned`, `Panicked`, `Suspend0` and so on.
    pub name: String,
    /// Where it waits.
    pub source: Option<Source>,
    /// Up to where bytes are in use.
    pub size: u64,
    /// What is saved in it, by index.
    pub saved: Vec<usize>,
    /// The states that may follow, by number.
    pub leads_to: Vec<usize>,
}

/// What became of an await.
#[derive(Clone, Debug, Deserialize)]
pub struct Await {
    /// The type that is polled.
    pub awaitee: String,
    /// The expression.
    pub source: Option<Source>,
    /// What became of it.
    pub fate: String,
    /// The await that it shares a suspension point with, or does not.
    pub with: Option<Source>,
    /// Why it is not inlined or merged.
    pub reason: Option<String>,
    /// How much code the awaitee is, as the compiler counts.
    pub cost: Option<u64>,
    /// Up to how much is inlined in every place.
    pub limit: Option<u64>,
}

/// A piece of source text. Lines and columns count from one; the last column is not part of it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Source {
    /// The file.
    pub file: PathBuf,
    /// The line where it starts.
    pub line: u32,
    /// The column where it starts.
    pub column: u32,
    /// The line where it ends.
    pub end_line: u32,
    /// The column where it ends.
    pub end_column: u32,
}

/// Reads all files in `folder`. Fails if one cannot be read, or is not as expected.
pub fn read(folder: &Path) -> Result<Vec<Coroutine>> {
    let cannot = || format!("cannot read `{}`", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    let mut coroutines = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        coroutines.extend(parse(&text, &crate_of(&file)).with_context(|| {
            format!(
                "`{}` is not what is expected of -Z{FLAG}; is the compiler of this repository?",
                file.display()
            )
        })?);
    }
    Ok(coroutines)
}

/// Reads the text of the file of `krate`.
pub fn parse(text: &str, krate: &str) -> serde_json::Result<Vec<Coroutine>> {
    let mut coroutines: Vec<Coroutine> = serde_json::from_str(text)?;
    coroutines.iter_mut().for_each(|coroutine| coroutine.krate = krate.to_owned());
    Ok(coroutines)
}

/// The crate that wrote the file: its id stands behind the name.
fn crate_of(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    stem.rsplit_once('-').map_or(&*stem, |(name, _)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_of_a_folder_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let fixture = include_str!("fixtures/on.json");
        fs::write(folder.path().join("app-00ff.json"), fixture).unwrap();
        fs::write(folder.path().join("lib-00fe.json"), "[]").unwrap();
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        let coroutines = read(folder.path()).unwrap();
        assert!(!coroutines.is_empty());
        assert!(coroutines.iter().all(|coroutine| coroutine.krate == "app"));
    }

    #[test]
    fn a_file_that_is_no_dump_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("app-00ff.json"), "[{}]").unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("app-00ff.json"), "{error}");
        assert!(read(&folder.path().join("none")).is_err());
    }
}
