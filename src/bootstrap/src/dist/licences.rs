//! The licences of the libraries that come from packages of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::dist::toolchain::Entry;

/// Where Debian keeps the licences that those of many packages refer to.
const COMMON: &str = "/usr/share/common-licenses/";

/// Adds the licence of each of `files`, which are given with their names, to `entries`, and its
/// package with the version to `packages`. Says of which no licence was found.
pub fn add(
    files: &BTreeMap<String, PathBuf>,
    packages: &mut BTreeMap<String, String>,
    entries: &mut BTreeMap<String, Entry>,
) {
    for (name, file) in files {
        let package = package_of(file);
        let licence = package.as_ref().map(|package| {
            let folder = package.split(':').next().unwrap_or(package);
            (folder.to_owned(), Path::new("/usr/share/doc").join(folder).join("copyright"))
        });
        match licence.as_ref().map(|(folder, licence)| (folder, fs::read_to_string(licence))) {
            Some((folder, Ok(text))) => {
                for common in common_licences(&text) {
                    let source = Path::new(COMMON).join(common);
                    if let Ok(text) = fs::read_to_string(source) {
                        let path = format!("share/doc/common-licenses/{common}");
                        entries.insert(path, Entry::Text(text));
                    }
                }
                entries.insert(format!("share/doc/{folder}/copyright"), Entry::Text(text));
            }
            _ => eprintln!(
                "warning: no package of Debian has {}, so its licence is not in the archive; add \
                 it before you hand the archive on",
                file.display()
            ),
        }
        let version = package.and_then(|package| version_of(&package));
        packages.insert(name.clone(), version.unwrap_or_else(|| String::from("unknown")));
    }
}

/// The package that brought `file`, which it may know by another path.
fn package_of(file: &Path) -> Option<String> {
    let real = file.canonicalize().ok()?;
    let before_merge = Path::new("/").join(real.strip_prefix("/usr").unwrap_or(&real));
    [file, &real, &before_merge].iter().find_map(|path| {
        let found = command::output(Command::new("dpkg-query").arg("--search").arg(path)).ok()?;
        let (packages, _) =
            found.lines().find(|line| !line.starts_with("diversion"))?.split_once(": ")?;
        packages.split(", ").next().map(str::to_owned)
    })
}

/// `package` with its version.
fn version_of(package: &str) -> Option<String> {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat", "${Package} ${Version}", package]);
    command::output(&mut query).ok()
}

/// The licences that `text` refers to.
fn common_licences(text: &str) -> impl Iterator<Item = &str> {
    text.split(COMMON).skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-.".contains(c));
        rest[..end.unwrap_or(rest.len())].trim_end_matches('.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_that_are_referred_to_are_found_in_a_sentence() {
        let text = format!("See `{COMMON}Apache-2.0' and\n{COMMON}GPL-3. Or none.");
        assert_eq!(common_licences(&text).collect::<Vec<_>>(), ["Apache-2.0", "GPL-3"]);
    }
}
