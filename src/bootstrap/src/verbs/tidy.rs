//! `x.py tidy`

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::overlay::{self, Overlay};
use crate::series::Series;
use crate::tree::Tree;

/// Where we have files: all but what is made, and what git keeps for itself.
const TOP: [&str; 13] = [
    ".ci",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "compiler",
    "config.example.toml",
    "library",
    "rustfmt.toml",
    "src",
    "tests",
    "x.py",
    "config.toml",
];

/// The longest line, in characters, as in rustc.
const COLUMNS: usize = 100;

/// How much of the base one patch may take out, and how much it may put in, in lines: hooks are
/// small, and logic has files of its own.
const MAX_REMOVED: usize = 25;
const MAX_ADDED: usize = 150;

/// Check the rules that this repository keeps.
///
/// Text: line lengths, white space, newlines. Patches: small, without context, in a commit of the
/// series. Files: each belongs to one commit of the series, in a language that belongs here, and
/// names no place of one machine. The page of a pass names only tests that exist.
#[derive(clap::Args)]
pub struct Arguments {}

impl Arguments {
    pub fn run(self) -> Result<ExitCode> {
        let tree = Tree::open()?;
        let problems = problems(tree.root())?;
        for problem in &problems {
            eprintln!("error: {problem}");
        }
        match problems.len() {
            0 => println!("tidy"),
            count => eprintln!("{count} problems"),
        }
        Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Everything below `root` that breaks a rule.
fn problems(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for name in TOP.map(|name| root.join(name)).iter().filter(|path| path.exists()) {
        for file in overlay::files_below(name)? {
            let path = file.strip_prefix(root)?.display().to_string();
            // What cargo and our tools write, and what compilers write as expected output of tests.
            let generated = path.ends_with("Cargo.lock") || path.ends_with(".svg");
            let expected =
                [".mir", ".diff", ".stderr", ".stdout"].iter().any(|e| path.ends_with(e));
            match std::fs::read(&file).map(String::from_utf8)? {
                Ok(text) if !generated => {
                    check_text(&path, &text, expected, &mut problems);
                    check_language(&path, &text, &mut problems);
                    if path.starts_with("compiler/") && !path.ends_with(".patch") {
                        check_named_tests(root, &path, &text, &mut problems);
                    }
                }
                Ok(_) => {}
                // A picture.
                Err(_) if path.ends_with(".png") => {}
                Err(_) => problems.push(format!("{path} is not UTF-8")),
            }
        }
    }
    match Overlay::read(root, &overlay::LAID_OUT) {
        Ok(overlay) => check_series(root, &overlay, &mut problems)?,
        Err(error) => problems.push(format!("{error:#}")),
    }
    Ok(problems)
}

fn check_text(path: &str, text: &str, expected: bool, problems: &mut Vec<String>) {
    if !text.is_empty() && !text.ends_with('\n') {
        problems.push(format!("{path} does not end in a newline"));
    }
    // Written as parts, so that this file keeps the rule.
    let machine = ["root", "home", "work", "tmp"].map(|folder| format!("/{folder}/"));
    for (index, line) in text.lines().enumerate() {
        let at = format!("{path}:{}", index + 1);
        if let Some(folder) = machine.iter().find(|folder| names_folder(line, folder)) {
            problems.push(format!("{at} names {folder}, a place of one machine"));
        }
        if expected {
            continue;
        }
        if line.ends_with([' ', '\t', '\r']) {
            problems.push(format!("{at} ends in white space"));
        }
        if line.contains('\t') {
            problems.push(format!("{at} has a tab"));
        }
        let columns = line.chars().count();
        if columns > COLUMNS && is_breakable(path, line) {
            problems.push(format!("{at} has {columns} columns, and {COLUMNS} is the most"));
        }
    }
}

/// Whether `line` can be broken into shorter ones: addresses, tables, strings, what cargo reads and
/// lines of the base cannot, or not to their good.
fn is_breakable(path: &str, line: &str) -> bool {
    let string = line.trim_start().starts_with(['"', '{']);
    let table = path.ends_with(".md") && line.starts_with('|');
    let settings = path.ends_with("Cargo.toml") || path.ends_with(".patch");
    !(line.contains("://") || string || table || settings)
}

/// Whether `line` names the absolute `folder`, and not one of that name in another.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-}>$)~".contains(c))
    })
}

fn check_language(path: &str, text: &str, problems: &mut Vec<String>) {
    let is = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    let shebang = text.lines().next().unwrap_or_default();
    if (is(&[".py"]) || shebang.contains("python")) && path != "x.py" {
        problems.push(format!("{path} is Python, and only x.py may be"));
    }
    if (is(&[".sh"]) || (shebang.starts_with("#!") && shebang.ends_with("sh"))) && path != ".ci/run"
    {
        problems.push(format!("{path} is a shell script, and only .ci/run may be"));
    }
}

/// The page of a pass names the test that breaks without each of its conditions.
fn check_named_tests(root: &Path, path: &str, text: &str, problems: &mut Vec<String>) {
    for (index, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with("//!")) {
        for name in line.split('`').filter(|name| name.starts_with("tests/")) {
            if !root.join(name).exists() {
                problems.push(format!("{path}:{} names {name}, which does not exist", index + 1));
            }
        }
    }
}

fn check_series(root: &Path, overlay: &Overlay, problems: &mut Vec<String>) -> Result<()> {
    let series = match Series::read(root) {
        Ok(series) => series,
        Err(error) => {
            problems.push(format!("{error:#}"));
            return Ok(());
        }
    };
    for path in overlay.files.keys() {
        if let Err(error) = series.position_of_file(path) {
            problems.push(error.to_string());
        }
    }
    for (path, patch) in &overlay.patches {
        let removed: usize = patch.hunks.iter().map(|hunk| hunk.removed.len()).sum();
        let added: usize = patch.hunks.iter().map(|hunk| hunk.added.len()).sum();
        if removed > MAX_REMOVED || added > MAX_ADDED {
            problems.push(format!(
                "{path}.patch takes out {removed} lines and puts in {added}; at most {MAX_REMOVED} \
                 and {MAX_ADDED} are hooks, and more belongs in a file of its own"
            ));
        }
        for hunk in &patch.hunks {
            if let Err(error) = series.position(&hunk.commit) {
                problems.push(format!("{path}.patch: {error}"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::tests::Fixture;

    /// The problems of a repository that has no other than the file `path` with `text`.
    fn problems_with(path: &str, text: &str) -> Vec<String> {
        let fixture = Fixture::new();
        let series = "[[commit]]\nname = \"pass\"\nsubject = \"s\"\nbody = \"b\"\n\
                      files = [\"compiler/**\"]\n";
        fixture.put("ours/src/series.toml", series);
        assert_eq!(problems(&fixture.ours()).unwrap(), [""; 0]);
        fixture.put(&format!("ours/{path}"), text);
        problems(&fixture.ours()).unwrap()
    }

    #[track_caller]
    fn finds(path: &str, text: &str, part: &str) {
        let problems = problems_with(path, text);
        assert!(problems.len() == 1 && problems[0].contains(part), "{problems:?}");
    }

    #[test]
    fn text_that_breaks_a_rule_is_found() {
        finds("src/a.rs", "no newline", "newline");
        finds("src/a.rs", "space \n", "src/a.rs:1");
        finds("src/a.rs", "a\n\tb\n", "src/a.rs:2 has a tab");
        finds("src/a.rs", &format!("{}\n", "x".repeat(101)), "101 columns");
        finds("README.md", &format!("see {}root/folder\n", "/"), "place of one machine");
    }

    #[test]
    fn text_that_keeps_them_is_not() {
        assert_eq!(problems_with("src/a.rs", &format!("see <root>{}tmp/x\n", "/")), [""; 0]);
        let link = format!("https://example.com/{}\n", "x".repeat(100));
        assert_eq!(problems_with("README.md", &link), [""; 0]);
    }

    #[test]
    fn other_languages_are_found() {
        finds("src/tool.py", "pass\n", "Python");
        finds("src/tool", "#!/usr/bin/env python3\n", "Python");
        finds("src/tool.sh", "true\n", "shell");
        finds("src/tool", "#!/usr/bin/env bash\n", "shell");
        assert_eq!(problems_with(".ci/run", "#!/usr/bin/env bash\n"), [""; 0]);
    }

    #[test]
    fn a_page_that_names_a_missing_test_is_found() {
        let page = "//! Sound. (`tests/ui/gone.rs`)\n";
        finds("compiler/page.rs", page, "names tests/ui/gone.rs");
    }

    #[test]
    fn a_file_outside_the_series_is_found() {
        finds("library/lost.rs", "\n", "library/lost.rs");
    }

    #[test]
    fn a_patch_with_context_or_too_long_is_found() {
        let head = format!("Base-sha256: {}\n--- a/library/x\n+++ b/library/x\n", "0".repeat(64));
        let context = format!("{head}@@ -1,2 +1,3 @@ pass\n a\n b\n+c\n");
        finds("library/x.patch", &context, "library/x.patch");
        let long = format!("{head}@@ -1,0 +2,151 @@ pass\n{}", "+c\n".repeat(151));
        finds("library/x.patch", &long, "puts in 151");
    }
}
