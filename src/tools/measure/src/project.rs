//! The packages of a cargo project that have binaries, as `cargo metadata` tells of them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The part of a project that is to be measured.
#[derive(Debug, PartialEq)]
pub struct Project {
    /// The project's `Cargo.toml`.
    pub manifest: PathBuf,
    /// The folder with the lock file.
    pub root: PathBuf,
    /// What is to be built; no entry is without binaries.
    pub units: Vec<Unit>,
}

/// The binaries of a package that one call of cargo builds: they need the same features.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// The name of the package.
    pub package: String,
    /// What tells the package from every other one, for cargo's `--package`.
    pub package_id: String,
    /// The targets that the package's `[package.metadata.async-size]` names; maybe none.
    pub targets: Vec<String>,
    /// The features that the binaries require.
    pub features: Vec<String>,
    /// The names of the binaries.
    pub binaries: Vec<String>,
}

/// Which packages and binaries to take.
#[derive(Debug, Default)]
pub struct Filter {
    /// The names of the packages. If empty, those that `cargo build` would take.
    pub packages: Vec<String>,
    /// The names of the binaries. If empty, all.
    pub binaries: Vec<String>,
}

impl Project {
    /// Asks `cargo` for the project of `manifest`. Fails if cargo does, or if nothing is left to
    /// build.
    pub fn load(cargo: &OsStr, manifest: &Path, filter: &Filter) -> Result<Self> {
        let mut command = Command::new(cargo);
        command.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]);
        command.arg(manifest);
        if let Some(folder) = manifest.parent().filter(|folder| folder.is_dir()) {
            command.current_dir(folder);
        }
        let output = command.output().context("cannot run `cargo metadata`")?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            bail!("cannot read the project `{}`\n{}", manifest.display(), message.trim_end());
        }
        Self::from_metadata(&output.stdout, manifest, filter)
    }

    fn from_metadata(json: &[u8], manifest: &Path, filter: &Filter) -> Result<Self> {
        let metadata: Metadata =
            serde_json::from_slice(json).context("cannot understand `cargo metadata`")?;
        let packages = metadata.chosen_packages(manifest, &filter.packages)?;
        for wanted in &filter.binaries {
            if !packages.iter().any(|package| package.binaries().any(|bin| bin.name == *wanted)) {
                bail!("no chosen package of `{}` has a binary `{wanted}`", manifest.display());
            }
        }
        let mut units = Vec::new();
        for package in packages {
            package.add_units(&filter.binaries, &mut units)?;
        }
        if units.is_empty() {
            bail!("the project `{}` has no binaries", manifest.display());
        }
        Ok(Project { manifest: manifest.to_owned(), root: metadata.workspace_root, units })
    }
}

/// The output of `cargo metadata`, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_default_members: Vec<String>,
    workspace_root: PathBuf,
}

impl Metadata {
    /// The packages with the `names`. Without names, the choice is cargo's: the package of the
    /// manifest, or the default members if the manifest is only that of a workspace.
    fn chosen_packages(&self, manifest: &Path, names: &[String]) -> Result<Vec<&Package>> {
        if let Some(missing) =
            names.iter().find(|name| !self.packages.iter().any(|package| package.name == **name))
        {
            bail!("the project `{}` has no package `{missing}`", manifest.display());
        }
        let own = self.packages.iter().find(|package| package.manifest_path == manifest);
        let is_root = manifest.parent() == Some(&self.workspace_root);
        Ok(self
            .packages
            .iter()
            .filter(|package| match own {
                _ if !names.is_empty() => names.contains(&package.name),
                Some(own) if !is_root => package.id == own.id,
                _ => self.workspace_default_members.contains(&package.id),
            })
            .collect())
    }
}

#[derive(Deserialize)]
struct Package {
    name: String,
    id: String,
    manifest_path: PathBuf,
    targets: Vec<CargoTarget>,
    metadata: Option<BTreeMap<String, serde_json::Value>>,
}

impl Package {
    fn binaries(&self) -> impl Iterator<Item = &CargoTarget> {
        self.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bin"))
    }

    /// Adds the package's binaries to `units`: all, or those among `names` if there are any.
    fn add_units(&self, names: &[String], units: &mut Vec<Unit>) -> Result<()> {
        let targets = self.own_targets()?;
        let mut by_features = BTreeMap::<_, Vec<_>>::new();
        for binary in self.binaries() {
            if names.is_empty() || names.contains(&binary.name) {
                by_features.entry(&binary.required_features).or_default().push(binary.name.clone());
            }
        }
        units.extend(by_features.into_iter().map(|(features, binaries)| Unit {
            package: self.name.clone(),
            package_id: self.id.clone(),
            targets: targets.clone(),
            features: features.clone(),
            binaries,
        }));
        Ok(())
    }

    /// The triples in `[package.metadata.async-size]`.
    fn own_targets(&self) -> Result<Vec<String>> {
        let Some(own) = self.metadata.as_ref().and_then(|tables| tables.get("async-size")) else {
            return Ok(Vec::new());
        };
        let own = OwnMetadata::deserialize(own).with_context(|| {
            format!("cannot understand [package.metadata.async-size] of `{}`", self.name)
        })?;
        Ok(own.target.into_iter().chain(own.targets).collect())
    }
}

/// A library, binary, test and the like of a package.
#[derive(Deserialize)]
struct CargoTarget {
    name: String,
    kind: Vec<String>,
    #[serde(default, rename = "required-features")]
    required_features: Vec<String>,
}

/// What a package says for this tool in its manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnMetadata {
    target: Option<String>,
    #[serde(default)]
    targets: Vec<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn package(name: &str, binaries: &[&str], metadata: Value) -> Value {
        let mut targets = vec![json!({"name": name, "kind": ["lib"]})];
        targets.extend(binaries.iter().map(|name| json!({"name": name, "kind": ["bin"]})));
        json!({
            "name": name,
            "id": format!("path#{name}"),
            "manifest_path": format!("/p/{name}/Cargo.toml"),
            "targets": targets,
            "metadata": metadata,
        })
    }

    fn load(manifest: &str, filter: &Filter) -> Result<Project> {
        let mut featured = package("board", &["blink", "radio"], Value::Null);
        featured["targets"][2]["required-features"] = json!(["ble"]);
        let metadata = json!({
            "packages": [
                package("drivers", &[], json!({"docs": {}})),
                package("nrf", &["app"], json!({"async-size": {"target": "thumbv7em-none-eabi"}})),
                package("duo", &["app", "tool"], json!({"async-size": {"targets": ["a", "b"]}})),
                featured,
            ],
            "workspace_default_members": ["path#drivers", "path#nrf", "path#duo"],
            "workspace_root": "/p",
        });
        Project::from_metadata(metadata.to_string().as_bytes(), Path::new(manifest), filter)
    }

    fn packages(project: &Project) -> Vec<&str> {
        project.units.iter().map(|unit| unit.package.as_str()).collect()
    }

    #[test]
    fn a_workspace_gives_its_default_members_with_binaries() {
        let project = load("/p/Cargo.toml", &Filter::default()).unwrap();
        assert_eq!(packages(&project), ["nrf", "duo"]);
        assert_eq!(project.units[0].targets, ["thumbv7em-none-eabi"]);
        assert_eq!(project.units[1].targets, ["a", "b"]);
        assert_eq!(project.units[1].binaries, ["app", "tool"]);
        assert_eq!(project.units[1].package_id, "path#duo");
    }

    #[test]
    fn the_manifest_of_a_member_gives_that_member() {
        let project = load("/p/nrf/Cargo.toml", &Filter::default()).unwrap();
        assert_eq!(packages(&project), ["nrf"]);
    }

    #[test]
    fn binaries_with_other_features_are_a_unit_of_their_own() {
        let filter = Filter { packages: vec!["board".into()], binaries: vec![] };
        let project = load("/p/Cargo.toml", &filter).unwrap();
        let units: Vec<_> =
            project.units.iter().map(|unit| (&unit.features[..], &unit.binaries[..])).collect();
        assert_eq!(
            units,
            [(&[][..], &["blink".to_owned()][..]), (&["ble".to_owned()], &["radio".to_owned()])]
        );
    }

    #[test]
    fn a_binary_is_taken_from_every_package_that_has_it() {
        let filter = Filter { packages: vec![], binaries: vec!["app".into()] };
        let project = load("/p/Cargo.toml", &filter).unwrap();
        assert_eq!(packages(&project), ["nrf", "duo"]);
        assert!(project.units.iter().all(|unit| unit.binaries == ["app"]));
    }

    #[test]
    fn wrong_names_are_errors() {
        let filter = Filter { packages: vec!["nope".into()], binaries: vec![] };
        assert!(load("/p/Cargo.toml", &filter).unwrap_err().to_string().contains("package `nope`"));
        let filter = Filter { packages: vec![], binaries: vec!["blink".into()] };
        assert!(load("/p/Cargo.toml", &filter).unwrap_err().to_string().contains("binary `blink`"));
        let filter = Filter { packages: vec!["drivers".into()], binaries: vec![] };
        assert!(load("/p/Cargo.toml", &filter).unwrap_err().to_string().contains("no binaries"));
    }

    #[test]
    fn a_misspelt_key_is_an_error() {
        let package: Package =
            serde_json::from_value(package("x", &[], json!({"async-size": {"tarjet": "a"}})))
                .unwrap();
        assert!(package.own_targets().is_err());
    }
}
