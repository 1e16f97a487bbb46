//! Our changes to files of the base: `<path>.patch` beside where that file would be.
//!
//! It is a unified diff without context, pinned by the hash of the file that it changes:
//!
//! ```text
//! Base-sha256: 5c1d…
//! --- a/compiler/rustc_session/src/options.rs
//! +++ b/compiler/rustc_session/src/options.rs
//! @@ -2249,0 +2250,3 @@ flag
//! +    async_returned_panic: bool = …
//! ```
//!
//! Behind the second `@@` of a hunk, where diffs name a function, stands the name of the commit in
//! `src/series.toml` that the hunk belongs to. `git apply --unidiff-zero` takes such a file as it
//! is. We apply it ourselves: as the file's hash is pinned, a hunk's place is known exactly, while
//! git would take it from the line number after the `+`, which is wrong as soon as a hunk before it
//! is left out, as it is for the first commits of a series.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::base;

/// The changes to one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// The path of the file in the tree of rustc.
    pub path: String,
    /// The hash of the file in the base.
    pub base_sha256: String,
    pub hunks: Vec<Hunk>,
}

/// Some lines taken out, others put in their place.
#[derive(Debug, Clone, PartialEq)]
pub struct Hunk {
    /// How many lines of the base come before.
    pub line: usize,
    pub removed: Vec<String>,
    pub added: Vec<String>,
    /// The commit that it belongs to.
    pub commit: String,
}

impl Patch {
    /// Reads the text of a `.patch` file.
    pub fn parse(text: &str) -> Result<Patch> {
        let mut lines = text.lines().enumerate().peekable();
        let mut header = |prefix: &str| -> Result<String> {
            let line = lines.next().map_or("", |(_, line)| line);
            let value = line.strip_prefix(prefix);
            Ok(value.with_context(|| format!("`{prefix}…` is expected, not `{line}`"))?.to_owned())
        };
        let base_sha256 = header("Base-sha256: ")?;
        let path = header("--- a/")?;
        let new_path = header("+++ b/")?;
        ensure!(path == new_path, "it changes {path} into {new_path}");

        let mut hunks = Vec::new();
        while let Some((number, line)) = lines.next() {
            let number = number + 1;
            let (line, removed, added, commit) = parse_range(line)
                .with_context(|| format!("line {number}: `{line}` does not start a hunk"))?;
            let mut take = |count: usize, sign: char| -> Result<Vec<String>> {
                (0..count)
                    .map(|_| {
                        let (number, line) = lines.next().context("its last hunk is cut off")?;
                        let text = line.strip_prefix(sign).with_context(|| {
                            format!("line {}: a line with `{sign}` is expected", number + 1)
                        })?;
                        Ok(text.to_owned())
                    })
                    .collect()
            };
            let removed = take(removed, '-')?;
            let added = take(added, '+')?;
            hunks.push(Hunk { line, removed, added, commit });
        }
        ensure!(!hunks.is_empty(), "it has no hunk");
        Ok(Patch { path, base_sha256, hunks })
    }

    /// The text of the `.patch` file.
    pub fn render(&self) -> String {
        let Patch { path, base_sha256, hunks } = self;
        let mut text = format!("Base-sha256: {base_sha256}\n--- a/{path}\n+++ b/{path}\n");
        let mut shift = 0;
        for Hunk { line, removed, added, commit } in hunks {
            // Where there are no lines, the one before them is named.
            let old = if removed.is_empty() { *line } else { line + 1 };
            let new = line.strict_add_signed(shift) + usize::from(!added.is_empty());
            let (old_count, new_count) = (removed.len(), added.len());
            writeln!(text, "@@ -{old},{old_count} +{new},{new_count} @@ {commit}").unwrap();
            removed.iter().for_each(|line| writeln!(text, "-{line}").unwrap());
            added.iter().for_each(|line| writeln!(text, "+{line}").unwrap());
            shift += new_count as isize - old_count as isize;
        }
        text
    }

    /// The changed file, made from that of the base. An error if `base` is not the file that the
    /// patch was made for.
    pub fn apply(&self, base: &str) -> Result<String> {
        let found = base::sha256(base.as_bytes());
        ensure!(
            found == self.base_sha256,
            "{} in the base is not the file that {}.patch was made for: its sha256 is {found}, and \
             not {}",
            self.path,
            self.path,
            self.base_sha256
        );
        let lines: Vec<&str> = base.split_inclusive('\n').collect();
        let mut result = String::with_capacity(base.len());
        let mut next = 0;
        for (index, hunk) in self.hunks.iter().enumerate() {
            let end = hunk.line + hunk.removed.len();
            let replaced = lines.get(hunk.line..end).unwrap_or_default();
            let fits = hunk.line >= next
                && hunk.line <= lines.len()
                && replaced.len() == hunk.removed.len()
                && replaced.iter().zip(&hunk.removed).all(|(a, b)| a.trim_end_matches('\n') == b);
            ensure!(fits, "hunk {} of {}.patch does not apply", index + 1, self.path);
            result.extend(lines[next..hunk.line].iter().copied());
            for line in &hunk.added {
                result.push_str(line);
                result.push('\n');
            }
            next = end;
        }
        result.extend(lines[next..].iter().copied());
        Ok(result)
    }

    /// What turns `old`, the file at `path` of the base, into `new`. Hunks that `before` has too
    /// keep the commit that they belong to, the others get `commit`.
    pub fn between(
        path: &str,
        old: &str,
        new: &str,
        before: Option<&Patch>,
        commit: &str,
    ) -> Result<Patch> {
        for (text, whose) in [(old, "the base"), (new, "the edited tree")] {
            ensure!(
                text.is_empty() || text.ends_with('\n'),
                "{path} of {whose} does not end in a newline, which no .patch here can say"
            );
        }
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("old"), old)?;
        std::fs::write(folder.path().join("new"), new)?;
        let diff = git_diff(folder.path())?;

        let mut patch = Patch {
            path: path.to_owned(),
            base_sha256: base::sha256(old.as_bytes()),
            hunks: Vec::new(),
        };
        for line in diff.lines().skip_while(|line| !line.starts_with("@@")) {
            match (line.chars().next(), patch.hunks.last_mut()) {
                (Some('-'), Some(hunk)) => hunk.removed.push(line[1..].to_owned()),
                (Some('+'), Some(hunk)) => hunk.added.push(line[1..].to_owned()),
                _ => {
                    let (line, ..) = parse_range(line)
                        .with_context(|| format!("git's diff of {path} has the line `{line}`"))?;
                    patch.hunks.push(Hunk {
                        line,
                        removed: Vec::new(),
                        added: Vec::new(),
                        commit: commit.to_owned(),
                    });
                }
            }
        }
        let before = before.map_or(&[][..], |patch| &patch.hunks);
        patch.hunks = patch.hunks.into_iter().flat_map(|hunk| hunk.divided(before)).collect();
        Ok(patch)
    }
}

impl Hunk {
    /// This hunk as those of the commits that its lines belong to. What one of `before` has put in
    /// the same place stays in its commit. So does the rest if it is what became of one of these;
    /// else it keeps the commit of this hunk.
    fn divided(self, before: &[Hunk]) -> Vec<Hunk> {
        let here: Vec<_> = before
            .iter()
            .filter(|known| (known.line, &known.removed) == (self.line, &self.removed))
            .collect();
        // Lines are taken out only once.
        if !self.removed.is_empty() {
            let commit = here.first().map_or(&self.commit, |known| &known.commit).clone();
            return vec![Hunk { commit, ..self }];
        }
        let mut parts = Vec::<(Option<&Hunk>, Vec<String>)>::new();
        let mut rest = &self.added[..];
        while let Some((first, others)) = rest.split_first() {
            let is_next =
                |known: &&&Hunk| !known.added.is_empty() && rest.starts_with(&known.added);
            if let Some(&known) = here.iter().find(is_next) {
                parts.push((Some(known), known.added.clone()));
                rest = &rest[known.added.len()..];
                continue;
            }
            match parts.last_mut() {
                Some((None, added)) => added.push(first.clone()),
                _ => parts.push((None, vec![first.clone()])),
            }
            rest = others;
        }
        let edited = here.iter().find(|&&known| !parts.iter().any(|part| part.0 == Some(known)));
        let commit = edited.map_or(&self.commit, |edited| &edited.commit);
        let hunk = |(known, added): (Option<&Hunk>, Vec<String>)| Hunk {
            line: self.line,
            removed: Vec::new(),
            added,
            commit: known.map_or(commit, |known| &known.commit).clone(),
        };
        parts.into_iter().map(hunk).collect()
    }
}

/// Takes `@@ -10,2 +12,3 @@ flag` apart: how many lines come before, how many are removed and
/// added, and the name behind.
fn parse_range(line: &str) -> Option<(usize, usize, usize, String)> {
    let (ranges, commit) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| -> Option<(usize, usize)> {
        match text.split_once(',') {
            Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    let (start, removed) = range(old)?;
    let (_, added) = range(new)?;
    let before = if removed == 0 { start } else { start.checked_sub(1)? };
    Some((before, removed, added, commit.trim().to_owned()))
}

/// The difference between the files `old` and `new` in `folder`, as git sees it, without context.
fn git_diff(folder: &Path) -> Result<String> {
    let mut command = Command::new("git");
    command
        .args(["-c", "core.attributesFile=", "diff", "--no-index", "--no-color", "--no-ext-diff"])
        .args(["-U0", "--diff-algorithm=histogram", "old", "new"])
        .current_dir(folder);
    let output = command.output().context("`git` could not be started")?;
    // It exits with 1 when there is a difference.
    if output.status.code().is_none_or(|code| code > 1) {
        bail!("git diff failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "one\ntwo\nthree\nfour\nfive\n";
    const NEW: &str = "zero\none\n2\nthree\nfive\nsix\nseven\n";

    fn patch() -> Patch {
        Patch::between("a/file.rs", OLD, NEW, None, "flag").unwrap()
    }

    #[test]
    fn what_is_between_two_files_leads_from_one_to_the_other() {
        let patch = patch();
        assert_eq!(patch.hunks.len(), 4);
        assert_eq!(patch.apply(OLD).unwrap(), NEW);
    }

    #[test]
    fn text_and_patch_say_the_same() {
        let patch = patch();
        assert_eq!(Patch::parse(&patch.render()).unwrap(), patch);
    }

    #[test]
    fn git_applies_it_to_the_same_effect() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/file.rs"), OLD).unwrap();
        std::fs::write(folder.path().join("it.patch"), patch().render()).unwrap();
        let mut git = Command::new("git");
        git.args(["apply", "--unidiff-zero", "it.patch"])
            .current_dir(folder.path())
            .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap());
        assert!(git.status().unwrap().success());
        assert_eq!(std::fs::read_to_string(folder.path().join("a/file.rs")).unwrap(), NEW);
    }

    #[test]
    fn single_hunks_can_be_left_out() {
        let mut patch = patch();
        patch.hunks.remove(0);
        let result = patch.apply(OLD).unwrap();
        assert_eq!(result, NEW.strip_prefix("zero\n").unwrap());
    }

    #[test]
    fn another_file_is_refused_by_its_hash_and_named() {
        let error = patch().apply("one\n").unwrap_err().to_string();
        assert!(error.contains("a/file.rs") && error.contains("sha256"), "{error}");
    }

    #[test]
    fn a_hunk_that_does_not_fit_is_refused_and_named() {
        let mut other_text = patch();
        other_text.hunks[1].removed[0].push('!');
        let mut other_place = patch();
        other_place.hunks[1].line = 99;
        for patch in [other_text, other_place] {
            let error = patch.apply(OLD).unwrap_err().to_string();
            assert!(error.contains("hunk 2 of a/file.rs.patch does not apply"), "{error}");
        }
    }

    #[test]
    fn hunks_that_stay_keep_their_commit() {
        let mut before = patch();
        before.hunks[1].commit = String::from("pass");
        let moved = format!("first\n{NEW}");
        let after = Patch::between("a/file.rs", OLD, &moved, Some(&before), "new").unwrap();
        let commits: Vec<_> = after.hunks.iter().map(|hunk| hunk.commit.as_str()).collect();
        assert_eq!(commits, ["new", "flag", "pass", "flag", "flag"]);
    }

    #[test]
    fn lines_beside_those_of_another_commit_are_a_hunk_of_their_own() {
        let with = |lines: &str| format!("one\n{lines}two\nthree\nfour\nfive\n");
        let commits = |before: &Patch, lines: &str| -> Vec<String> {
            let after =
                Patch::between("a/file.rs", OLD, &with(lines), Some(before), "new").unwrap();
            assert_eq!(after.apply(OLD).unwrap(), with(lines));
            after.hunks.into_iter().map(|hunk| hunk.commit).collect()
        };
        let mut before = Patch::between("a/file.rs", OLD, &with("a\nb\nc\n"), None, "").unwrap();
        let hunk = before.hunks.pop().unwrap();
        for (commit, line) in [("first", "a"), ("second", "b"), ("third", "c")] {
            let (commit, added) = (commit.to_owned(), vec![line.to_owned()]);
            before.hunks.push(Hunk { added, commit, ..hunk.clone() });
        }
        assert_eq!(commits(&before, "a\nb\nc\n"), ["first", "second", "third"]);
        assert_eq!(commits(&before, "a\nb\nd\nc\n"), ["first", "second", "new", "third"]);
        assert_eq!(commits(&before, "a\nB\nc\n"), ["first", "second", "third"]);
    }

    #[test]
    fn broken_text_is_refused_with_its_line() {
        let text = patch().render();
        let error = |text: &str| format!("{:#}", Patch::parse(text).unwrap_err());
        assert!(error("").contains("Base-sha256"));
        assert!(error(&text.replace("@@ -2", "@ -2")).contains("line 6"));
        assert!(error(text.strip_suffix("+seven\n").unwrap()).contains("cut off"));
        assert!(error(&text.replace("+zero", " zero")).contains("line 5"));
        assert!(error(&text.replace("+++ b/a", "+++ b/b")).contains("a/file.rs"));
    }

    #[test]
    fn a_missing_newline_at_the_end_is_refused() {
        let error = Patch::between("file", OLD, "one", None, "flag").unwrap_err().to_string();
        assert!(error.contains("newline"), "{error}");
    }
}
