//! Which programs there are, and in which forms.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The feature of the programs that are written by hand.
pub const BY_HAND: &str = "by-hand";

/// A program, or one of its forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// The file.
    pub path: PathBuf,
    /// The name of the program, and that of the form if it has one.
    pub label: String,
    /// The feature that makes it this form.
    pub feature: Option<String>,
    /// Whether it can be compiled as one would write it by hand.
    pub has_by_hand: bool,
}

/// The forms of the programs in `package`: all, or those of the programs called `names`.
///
/// Fails if the folder cannot be read, or has no program of one of these names.
pub fn forms(package: &Path, names: &[String]) -> Result<Vec<Form>> {
    let folder = package.join("src/bin");
    let entries = fs::read_dir(&folder)
        .with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read `{}`", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    paths.sort();
    let is_there = |name: &String| paths.iter().any(|path| stem(path) == *name);
    if let Some(missing) = names.iter().find(|name| !is_there(name)) {
        let all: Vec<_> = paths.iter().map(|path| stem(path)).collect();
        bail!("there is no program `{missing}`; there are {}", all.join(", "));
    }
    let mut forms = Vec::new();
    for path in paths.iter().filter(|path| names.is_empty() || names.contains(&stem(path))) {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        forms.extend(forms_of(path, &text));
    }
    Ok(forms)
}

/// The forms of the program at `path` with the source `text`: first the one without a feature.
fn forms_of(path: &Path, text: &str) -> Vec<Form> {
    let mut features = features(text);
    let has_by_hand = features.contains(&BY_HAND);
    features.retain(|feature| *feature != BY_HAND);
    let form = |feature: Option<&str>| Form {
        path: path.to_owned(),
        label: feature.map_or(stem(path), |feature| format!("{}, {feature}", stem(path))),
        feature: feature.map(str::to_owned),
        has_by_hand,
    };
    [None].into_iter().chain(features.into_iter().map(Some)).map(form).collect()
}

/// The features that a source names, each once.
fn features(text: &str) -> Vec<&str> {
    let named = text.split("feature = \"").skip(1);
    measure::arguments::unique(named.filter_map(|rest| rest.split('"').next()))
}

/// The name of the program at `path`.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("complaints")
    }

    #[test]
    fn forms_are_features_that_the_source_names() {
        let text = "#[cfg(not(any(feature = \"by-hand\", feature = \"wide\")))]\n\
                    #[cfg(feature = \"wide\")]\n#[cfg(feature = \"long\")]\n";
        let forms = forms_of(Path::new("bin/join.rs"), text);
        let labels: Vec<_> = forms.iter().map(|form| form.label.as_str()).collect();
        assert_eq!(labels, ["join", "join, wide", "join, long"]);
        assert!(forms.iter().all(|form| form.has_by_hand));
        assert_eq!(forms[1].feature.as_deref(), Some("wide"));
        assert!(!forms_of(Path::new("a.rs"), "")[0].has_by_hand);
    }

    #[test]
    fn the_manifest_has_each_feature_and_no_other() {
        let manifest = fs::read_to_string(package().join("Cargo.toml")).unwrap();
        let (_, list) = manifest.split_once("[features]\n").unwrap();
        let mut listed: Vec<_> =
            list.lines().filter_map(|line| line.strip_suffix(" = []")).collect();
        let forms = forms(&package(), &[]).unwrap();
        let mut used: Vec<_> = forms.iter().filter_map(|form| form.feature.as_deref()).collect();
        used.push(BY_HAND);
        listed.sort();
        used.sort();
        used.dedup();
        assert_eq!(listed, used);
    }

    #[test]
    fn each_program_begins_with_its_complaint_and_its_report() {
        for form in forms(&package(), &[]).unwrap() {
            let text = fs::read_to_string(&form.path).unwrap();
            let head: Vec<_> = text.lines().take_while(|line| line.starts_with("//!")).collect();
            let head = head.join("");
            let tells = head.contains("<https://") || head.contains("no public report");
            assert!(tells, "{}", form.label);
        }
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        let error = forms(&package(), &["joyn".into()]).unwrap_err().to_string();
        assert!(error.contains("`joyn`") && error.contains("join, kept_block"), "{error}");
    }
}
