//! The packages of a cargo project that have binaries, as `cargo metadata` tells of them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use cargo_metadata::{Metadata, MetadataCommand, Package, Target};
use clap::ValueEnum as _;
use serde::Deserialize;

use crate::opt_level::OptLevel;
use crate::panic_strategy::PanicStrategy;

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
    /// The targets that the package's `[package.metadata.async-size]` names, or else cargo's
    /// configuration for the project; maybe none.
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

/// What a project says of its release profile.
#[derive(Debug, PartialEq)]
pub struct ReleaseProfile {
    /// The optimization level.
    pub level: OptLevel,
    /// What a panic does, if it is not what is usual for the target.
    pub panic: Option<PanicStrategy>,
}

impl ReleaseProfile {
    /// Reads it from the text of a manifest. Fails if that is damaged or has another value.
    fn read(manifest: &str) -> Result<Self> {
        let manifest: toml::Table = manifest.parse()?;
        let profile = manifest.get("profile").and_then(|profiles| profiles.get("release"));
        let text = |key| {
            let value = profile.and_then(|profile| profile.get(key))?;
            Some(value.as_str().map_or(value.to_string(), str::to_owned))
        };
        let level = text("opt-level").map_or(Ok(OptLevel::O3), |text| {
            OptLevel::from_str(&text, false)
                .map_err(|_| anyhow!("`{text}` is no opt-level that is known here"))
        })?;
        let panic = text("panic").map(|text| {
            PanicStrategy::from_str(&text, false)
                .map_err(|_| anyhow!("`{text}` is no panic strategy that is known here"))
        });
        Ok(ReleaseProfile { level, panic: panic.transpose()? })
    }
}

impl Project {
    /// The release profile in the manifest of the workspace. Fails if that cannot be read or has
    /// values that are not known here.
    pub fn release_profile(&self) -> Result<ReleaseProfile> {
        let path = self.root.join("Cargo.toml");
        fs::read_to_string(&path)
            .map_err(anyhow::Error::from)
            .and_then(|text| ReleaseProfile::read(&text))
            .with_context(|| format!("cannot read the release profile in `{}`", path.display()))
    }

    /// Asks `cargo` for the project of `manifest`. Fails if cargo does, or if nothing is left to
    /// build.
    pub fn load(cargo: &OsStr, manifest: &Path, filter: &Filter) -> Result<Self> {
        let mut command = MetadataCommand::new();
        command.cargo_path(cargo).manifest_path(manifest).no_deps();
        if let Some(folder) = manifest.parent().filter(|folder| folder.is_dir()) {
            command.current_dir(folder);
        }
        let metadata = command.exec().map_err(|error| match error {
            cargo_metadata::Error::CargoMetadata { stderr } => {
                anyhow!("cannot read the project `{}`\n{}", manifest.display(), stderr.trim_end())
            }
            error => anyhow!(error).context("cannot run `cargo metadata`"),
        })?;
        let mut project = Self::from_metadata(&metadata, manifest, filter)?;
        let configured = configured_targets(manifest)?;
        for unit in project.units.iter_mut().filter(|unit| unit.targets.is_empty()) {
            unit.targets.clone_from(&configured);
        }
        Ok(project)
    }

    fn from_metadata(metadata: &Metadata, manifest: &Path, filter: &Filter) -> Result<Self> {
        let packages = chosen_packages(metadata, manifest, &filter.packages)?;
        for wanted in &filter.binaries {
            if !packages.iter().any(|package| binaries(package).any(|bin| bin.name == *wanted)) {
                bail!("no chosen package of `{}` has a binary `{wanted}`", manifest.display());
            }
        }
        let mut units = Vec::new();
        for package in packages {
            add_units(package, &filter.binaries, &mut units)?;
        }
        if units.is_empty() {
            bail!("the project `{}` has no binaries", manifest.display());
        }
        let root = metadata.workspace_root.clone().into_std_path_buf();
        Ok(Project { manifest: manifest.to_owned(), root, units })
    }
}

/// The packages with the `names`. Without names, the choice is cargo's: the package of the
/// manifest, or the default members if the manifest is only that of a workspace.
fn chosen_packages<'a>(
    metadata: &'a Metadata,
    manifest: &Path,
    names: &[String],
) -> Result<Vec<&'a Package>> {
    let packages = &metadata.packages;
    if let Some(missing) =
        names.iter().find(|name| !packages.iter().any(|package| package.name == **name))
    {
        bail!("the project `{}` has no package `{missing}`", manifest.display());
    }
    let own = packages.iter().find(|package| package.manifest_path == manifest);
    let is_root = manifest.parent() == Some(metadata.workspace_root.as_std_path());
    Ok(packages
        .iter()
        .filter(|package| match own {
            _ if !names.is_empty() => names.iter().any(|name| package.name == *name),
            Some(own) if !is_root => package.id == own.id,
            _ => metadata.workspace_default_members.contains(&package.id),
        })
        .collect())
}

fn binaries(package: &Package) -> impl Iterator<Item = &Target> {
    package.targets.iter().filter(|target| target.is_bin())
}

/// Adds the package's binaries to `units`: all, or those among `names` if there are any.
fn add_units(package: &Package, names: &[String], units: &mut Vec<Unit>) -> Result<()> {
    let targets = own_targets(package)?;
    let mut by_features = BTreeMap::<_, Vec<_>>::new();
    for binary in binaries(package) {
        if names.is_empty() || names.contains(&binary.name) {
            by_features.entry(&binary.required_features).or_default().push(binary.name.clone());
        }
    }
    units.extend(by_features.into_iter().map(|(features, binaries)| Unit {
        package: package.name.to_string(),
        package_id: package.id.repr.clone(),
        targets: targets.clone(),
        features: features.clone(),
        binaries,
    }));
    Ok(())
}

/// The triples in `[package.metadata.async-size]`.
fn own_targets(package: &Package) -> Result<Vec<String>> {
    let Some(own) = package.metadata.get("async-size") else { return Ok(Vec::new()) };
    let own = OwnMetadata::deserialize(own).with_context(|| {
        format!("cannot understand [package.metadata.async-size] of `{}`", package.name)
    })?;
    Ok(own.target.into_iter().chain(own.targets).collect())
}

/// What `build.target` says in the nearest `.cargo/config.toml` at or above the folder of
/// `manifest` that has it. Fails if such a file is damaged.
fn configured_targets(manifest: &Path) -> Result<Vec<String>> {
    for folder in manifest.ancestors().skip(1) {
        let path = folder.join(".cargo/config.toml");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let config: toml::Table =
            text.parse().with_context(|| format!("cannot understand `{}`", path.display()))?;
        let Some(target) = config.get("build").and_then(|build| build.get("target")) else {
            continue;
        };
        let several = target.as_array().map_or(&[][..], Vec::as_slice);
        let targets = [target].into_iter().chain(several).filter_map(toml::Value::as_str);
        // That is the host's, which is meant if there is none.
        return Ok(targets.filter(|target| *target != "host-tuple").map(str::to_owned).collect());
    }
    Ok(Vec::new())
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

    #[test]
    fn the_configuration_of_cargo_that_is_nearest_names_the_target() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path).join(".cargo/config.toml");
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let targets = |of: &str| configured_targets(&folder.path().join(of).join("Cargo.toml"));
        write("", "build.target = \"thumbv6m-none-eabi\"");
        write("none", "build.jobs = 1");
        write("two", "build.target = [\"a\", \"b\"]");
        write("host", "build.target = \"host-tuple\"");
        write("damaged", "build.");
        assert_eq!(targets("none/app").unwrap(), ["thumbv6m-none-eabi"]);
        assert_eq!(targets("two").unwrap(), ["a", "b"]);
        assert!(targets("host").unwrap().is_empty());
        let error = format!("{:#}", targets("damaged").unwrap_err());
        assert!(error.contains("config.toml"), "{error}");
    }

    fn package(name: &str, binaries: &[&str], metadata: Value) -> Value {
        let target = |name: &str, kind: &str| {
            let kinds = [kind];
            json!({"name": name, "kind": kinds, "crate_types": kinds, "src_path": "/p/main.rs"})
        };
        let mut targets = vec![target(name, "lib")];
        targets.extend(binaries.iter().map(|name| target(name, "bin")));
        json!({
            "name": name,
            "version": "0.1.0",
            "id": format!("path#{name}"),
            "dependencies": [],
            "features": {},
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
            "workspace_members": ["path#drivers", "path#nrf", "path#duo", "path#board"],
            "workspace_default_members": ["path#drivers", "path#nrf", "path#duo"],
            "workspace_root": "/p",
            "target_directory": "/p/target",
            "resolve": null,
            "version": 1,
        });
        let metadata = serde_json::from_value(metadata).unwrap();
        Project::from_metadata(&metadata, Path::new(manifest), filter)
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
    fn the_release_profile_is_what_the_manifest_says() {
        let read = |text| ReleaseProfile::read(text);
        let usual = ReleaseProfile { level: OptLevel::O3, panic: None };
        assert_eq!(read("[profile.dev]\nopt-level = 1").unwrap(), usual);
        let own = ReleaseProfile { level: OptLevel::Z, panic: Some(PanicStrategy::Abort) };
        assert_eq!(read("[profile.release]\nopt-level = 'z'\npanic = 'abort'").unwrap(), own);
        let number = read("[profile.release]\nopt-level = 2\npanic = 'unwind'").unwrap();
        assert_eq!(number.level, OptLevel::O2);
        assert!(read("[profile.release]\npanic = 'soon'").is_err());
    }

    #[test]
    fn a_misspelt_key_is_an_error() {
        let package: Package =
            serde_json::from_value(package("x", &[], json!({"async-size": {"tarjet": "a"}})))
                .unwrap();
        assert!(own_targets(&package).is_err());
    }
}
