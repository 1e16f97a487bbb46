//! What the compiler tells of programs while it compiles them: its warnings, and how large their
//! futures are.
//!
//! Both are told by lines of the crate and by the modules of programs. They are kept by what does
//! not depend on where in the crate a program stands, so that builds of different batches can be
//! compared.

use std::collections::BTreeMap;

/// The flags that have it told, for [`read`]. The sizes are printed to stdout, the warnings to
/// stderr.
///
/// What is an error by default is a warning, as the programs do such things on purpose.
pub const FLAGS: [&str; 3] = ["-Zprint-type-sizes", "--error-format=short", "--cap-lints=warn"];

/// What is told of one program.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Told {
    /// The warnings, each with its line in the program.
    warnings: Vec<String>,
    /// The size of each type of future that the compiler makes, the largest if there are several
    /// of one name.
    sizes: BTreeMap<String, u64>,
}

/// What is told of several programs, by their position in the crate.
pub type ToldOf = BTreeMap<usize, Told>;

/// Reads what the compiler printed for a crate with the text `source`.
pub fn read(source: &str, stdout: &str, stderr: &str) -> ToldOf {
    let modules = Modules::find(source);
    let mut told = ToldOf::new();
    for (name, size) in stdout.lines().filter_map(size) {
        if let Some((position, name)) = modules.without_position(name) {
            let known = told.entry(position).or_default().sizes.entry(name).or_default();
            *known = size.max(*known);
        }
    }
    for line in stderr.lines() {
        if let Some((position, line)) = modules.without_position(line) {
            told.entry(position).or_default().warnings.push(line);
        }
    }
    for told in told.values_mut() {
        told.warnings.sort();
    }
    told
}

impl Told {
    /// The futures that are larger in `self` than in `base`, with both sizes. One that only one of
    /// the two has cannot be compared: it may have become a part of another.
    pub fn larger_than(&self, base: &Told) -> Vec<String> {
        let larger = self.sizes.iter().filter_map(|(name, size)| {
            let of_base = base.sizes.get(name)?;
            (size > of_base).then(|| format!("{of_base} -> {size} bytes: {name}\n"))
        });
        larger.collect()
    }

    /// The warnings of `self` that `base` has not so often, with a plus, and those that it has more
    /// often, with a minus.
    pub fn other_warnings(&self, base: &Told) -> Vec<String> {
        let count = |told: &Told, warning| told.warnings.iter().filter(|it| *it == warning).count();
        let mut all: Vec<_> = self.warnings.iter().chain(&base.warnings).collect();
        all.sort();
        all.dedup();
        let differ = all.into_iter().filter_map(|warning| {
            let sign = match count(self, warning).cmp(&count(base, warning)) {
                std::cmp::Ordering::Less => '-',
                std::cmp::Ordering::Equal => return None,
                std::cmp::Ordering::Greater => '+',
            };
            Some(format!("{sign} {warning}\n"))
        });
        differ.collect()
    }
}

/// The name of a type of a future, and its size, if that is what the line tells.
fn size(line: &str) -> Option<(&str, u64)> {
    let (name, rest) = line.strip_prefix("print-type-size type: `")?.split_once("`: ")?;
    let size = rest.split_once(" bytes")?.0.parse().ok()?;
    name.starts_with("{async ").then_some((name, size))
}

/// The modules of programs in a crate.
struct Modules {
    /// The first line of each, by its position.
    starts: Vec<usize>,
}

/// The name of the file with the programs; every place in it is told so.
const FILE: &str = "programs.rs:";

impl Modules {
    fn find(source: &str) -> Self {
        let mut starts = Vec::new();
        for (index, line) in source.lines().enumerate() {
            if line.strip_prefix("pub mod p").is_some_and(|rest| rest.ends_with(" {")) {
                starts.push(index + 1);
            }
        }
        Modules { starts }
    }

    /// The position of the program with the line, and this line in its module.
    fn locate(&self, line: usize) -> Option<(usize, usize)> {
        let position = self.starts.partition_point(|&start| start <= line).checked_sub(1)?;
        Some((position, line - self.starts[position]))
    }

    /// The position of the program that `text` is about, which is the first that it names, and the
    /// text with lines of that, and without the position.
    fn without_position(&self, text: &str) -> Option<(usize, String)> {
        let mut found = None;
        let mut rest = text;
        let mut written = String::new();
        while !rest.is_empty() {
            if let Some((path, behind)) = split_file(rest) {
                // The file may be in any folder.
                written.truncate(written.len() - folder(&written));
                let (line, behind) = split_number(behind)?;
                let (position, line) = self.locate(line)?;
                found.get_or_insert(position);
                written += &format!("{path}{line}");
                // The end of a span: `:<column>: <line>:<column>`.
                rest = behind;
                if let Some((column, end)) = behind.strip_prefix(':').and_then(split_number)
                    && let Some((line, end)) = end.strip_prefix(": ").and_then(split_number)
                    && end.starts_with(':')
                {
                    let (_, line) = self.locate(line)?;
                    written += &format!(":{column}: {line}");
                    rest = end;
                }
                continue;
            }
            let starts_word = !written.ends_with(|it: char| it.is_alphanumeric() || it == '_');
            if starts_word
                && let Some((position, behind)) = rest.strip_prefix('p').and_then(split_number)
                && behind.starts_with("::")
            {
                found.get_or_insert(position);
                written.push('p');
                rest = behind;
                continue;
            }
            let length = rest.chars().next().map_or(0, char::len_utf8);
            written += &rest[..length];
            rest = &rest[length..];
        }
        Some((found?, written))
    }
}

/// Splits what begins with the name of the file behind that.
fn split_file(text: &str) -> Option<(&str, &str)> {
    text.starts_with(FILE).then(|| text.split_at(FILE.len()))
}

/// The number that `text` begins with, and what is behind it.
fn split_number(text: &str) -> Option<(usize, &str)> {
    let length = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..length].parse().ok()?, &text[length..]))
}

/// How long the path is that `text` ends with, if it ends with the slash of one.
fn folder(text: &str) -> usize {
    if !text.ends_with('/') {
        return 0;
    }
    text.len() - text.rfind([' ', '@', '`']).map_or(0, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
        pub mod p0 {\n    use runtime::*;\n}\npub mod p1 {\n    one\n    two\n}\nfn main() {}\n";

    fn told(stdout: &str, stderr: &str) -> ToldOf {
        read(SOURCE, stdout, stderr)
    }

    fn size_line(name: &str, size: u64) -> String {
        format!("print-type-size type: `{name}`: {size} bytes, alignment: 4 bytes\n")
    }

    #[test]
    fn sizes_are_read_by_program_wherever_that_stands() {
        let lines =
            size_line("{async fn body of p1::f3<{async block@/a/programs.rs:5:1: 6:9}>()}", 24)
                + "print-type-size     discriminant: 1 bytes\n"
                + &size_line("{async block@/a/job-0/programs.rs:6:5: 6:10}", 8)
                + &size_line("std::pin::Pin<&mut {async fn body of p1::f3()}>", 8);
        let told = told(&lines, "");
        assert_eq!(told.keys().collect::<Vec<_>>(), [&1]);
        let names: Vec<_> = told[&1].sizes.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "{async block@programs.rs:2:5: 2:10}",
                "{async fn body of p::f3<{async block@programs.rs:1:1: 2:9}>()}",
            ]
        );
    }

    #[test]
    fn a_future_may_not_be_larger_and_the_largest_of_a_name_counts() {
        let name = "{async fn body of p0::f()}";
        let of = |sizes: &[u64]| {
            let lines: String = sizes.iter().map(|&size| size_line(name, size)).collect();
            told(&lines, "")[&0].clone()
        };
        assert_eq!(
            of(&[12]).larger_than(&of(&[8])),
            ["8 -> 12 bytes: {async fn body of p::f()}\n"]
        );
        assert!(of(&[8]).larger_than(&of(&[8])).is_empty());
        assert!(of(&[9, 10]).larger_than(&of(&[10])).is_empty());
        assert_eq!(of(&[11]).larger_than(&of(&[10, 4])).len(), 1);
        assert!(of(&[8]).larger_than(&Told::default()).is_empty());
    }

    #[test]
    fn warnings_are_told_by_program_and_compared() {
        let stderr = "/a/programs.rs:5:3: warning: unused variable: `v`\n\
                      /a/programs.rs:6:3: warning: unreachable\n\
                      warning: 2 warnings emitted\n";
        let on = told("", stderr)[&1].clone();
        assert_eq!(on.warnings[0], "programs.rs:1:3: warning: unused variable: `v`");
        assert!(on.other_warnings(&on).is_empty());
        let off = told("", stderr.split_inclusive('\n').next().unwrap())[&1].clone();
        assert_eq!(on.other_warnings(&off), ["+ programs.rs:2:3: warning: unreachable\n"]);
        assert_eq!(off.other_warnings(&on), ["- programs.rs:2:3: warning: unreachable\n"]);
        let twice = told("", &stderr.repeat(2))[&1].clone();
        assert_eq!(twice.other_warnings(&on).len(), 2);
    }
}
