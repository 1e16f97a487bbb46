//! `src/series.toml`: which of our changes belong together, in the order in which rustc would take
//! them.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::Deserialize;

/// The commits that `export` makes, first to last.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// What is said before the first patch, if anything is.
    pub cover: Option<Cover>,
    #[serde(rename = "commit")]
    pub commits: Vec<Commit>,
}

/// The cover letter of the series.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cover {
    /// Its first line.
    pub subject: String,
    /// The rest of it.
    pub body: String,
}

/// One commit: the hunks that bear its name, and whole files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// What hunks in `.patch` files call it.
    pub name: String,
    /// The first line of its message.
    pub subject: String,
    /// The rest of its message.
    pub body: String,
    /// Which of our files belong to it, as patterns over their paths in the tree of rustc.
    pub files: Vec<String>,
}

impl Series {
    /// Reads `src/series.toml` below `root`.
    pub fn read(root: &Path) -> Result<Series> {
        let path = root.join("src/series.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        Series::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Series> {
        let series: Series = toml::from_str(text)?;
        ensure!(!series.commits.is_empty(), "it names no commit");
        for (index, commit) in series.commits.iter().enumerate() {
            let twice = series.commits[..index].iter().any(|other| other.name == commit.name);
            ensure!(!twice, "two commits are called {}", commit.name);
            commit.patterns()?;
        }
        Ok(series)
    }

    /// The place in the series of the commit `name`.
    pub fn position(&self, name: &str) -> Result<usize> {
        self.commits.iter().position(|commit| commit.name == name).with_context(|| {
            let known: Vec<_> = self.commits.iter().map(|commit| commit.name.as_str()).collect();
            format!("src/series.toml has no commit `{name}`; it has {}", known.join(", "))
        })
    }

    /// The place in the series of the commit that the whole file `path` belongs to: the last that
    /// has it among its files. So a commit may have all tests of a folder but for some that need a
    /// later one.
    pub fn position_of_file(&self, path: &str) -> Result<usize> {
        for (index, commit) in self.commits.iter().enumerate().rev() {
            if commit.patterns()?.is_match(path) {
                return Ok(index);
            }
        }
        anyhow::bail!("no commit in src/series.toml has {path} among its files")
    }
}

impl Commit {
    fn patterns(&self) -> Result<GlobSet> {
        let mut patterns = GlobSetBuilder::new();
        for pattern in &self.files {
            patterns.add(Glob::new(pattern)?);
        }
        Ok(patterns.build()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"
        [[commit]]
        name = "flag"
        subject = "Add the flag"
        body = "Why."
        files = ["src/doc/**/flag.md"]
        [[commit]]
        name = "pass"
        subject = "Add the pass"
        body = "Why."
        files = ["compiler/**/pass.rs", "tests/ui/**"]
    "#;

    #[test]
    fn hunks_and_files_find_their_commit() {
        let series = Series::parse(TWO).unwrap();
        assert_eq!(series.position("pass").unwrap(), 1);
        assert_eq!(series.position_of_file("src/doc/book/flag.md").unwrap(), 0);
        assert_eq!(series.position_of_file("tests/ui/a/b.rs").unwrap(), 1);
    }

    #[test]
    fn what_belongs_nowhere_is_named_and_what_belongs_twice_is_in_the_last() {
        let series = Series::parse(TWO).unwrap();
        assert!(series.position("other").err().unwrap().to_string().contains("flag, pass"));
        let error = series.position_of_file("tests/lost.rs").err().unwrap().to_string();
        assert!(error.contains("tests/lost.rs"), "{error}");
        let both = Series::parse(&TWO.replace("compiler/**/pass.rs", "src/doc/**")).unwrap();
        assert_eq!(both.position_of_file("src/doc/book/flag.md").unwrap(), 1);
        assert!(Series::parse(&TWO.replace("\"pass\"", "\"flag\"")).is_err());
    }

    #[test]
    fn the_series_of_this_tree_can_be_read() {
        Series::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
    }
}
