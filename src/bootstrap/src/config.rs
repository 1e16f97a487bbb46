//! The user's settings: `config.toml` beside `x.py`. `config.example.toml` documents each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The bare-metal targets whose `core` and `alloc` are built when the settings name none.
pub const DEFAULT_TARGETS: [&str; 4] = [
    "thumbv7em-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv6m-none-eabi",
    "riscv32imac-unknown-none-elf",
];

/// All settings. A missing one has the default that `config.example.toml` shows.
#[derive(Deserialize, Default, Debug, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    pub base: Base,
    pub llvm: Llvm,
    pub build: Build,
    pub rust: Rust,
}

/// Where rustc's source comes from.
#[derive(Deserialize, Default, Debug, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Base {
    /// A folder with the source of rustc, instead of the package.
    pub source: Option<PathBuf>,
}

/// Which LLVM the compiler is linked to.
#[derive(Deserialize, Default, Debug, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Llvm {
    /// The `llvm-config` of that LLVM.
    pub llvm_config: Option<PathBuf>,
}

/// What is built, and by what.
#[derive(Deserialize, Debug, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Build {
    /// The rustc of stage 0.
    pub rustc: Option<PathBuf>,
    /// The cargo of stage 0.
    pub cargo: Option<PathBuf>,
    /// How many jobs run at once.
    pub jobs: Option<u32>,
    /// Bare-metal targets to build `core` and `alloc` for.
    pub targets: Vec<String>,
}

impl Default for Build {
    fn default() -> Build {
        Build {
            rustc: None,
            cargo: None,
            jobs: None,
            targets: DEFAULT_TARGETS.map(String::from).to_vec(),
        }
    }
}

/// How the compiler itself is built.
#[derive(Deserialize, Debug, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rust {
    /// rustc's own debug assertions.
    pub debug_assertions: bool,
    /// `debug!` and `trace!` lines, shown with `RUSTC_LOG`.
    pub debug_logging: bool,
}

impl Default for Rust {
    fn default() -> Rust {
        Rust { debug_assertions: false, debug_logging: true }
    }
}

impl Config {
    /// Reads the settings in `path`; all defaults if there is no such file. Relative paths in it
    /// are taken from the folder that it is in. An error names the file, the line and the key.
    pub fn read(path: &Path) -> Result<Config> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Config::default());
            }
            Err(error) => return Err(error).context(format!("reading {}", path.display())),
        };
        let mut config: Config = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            anyhow::anyhow!(
                "{}:{line}: {error}\n\
                 config.example.toml shows every setting with its default",
                path.display()
            )
        })?;

        let folder = path.parent().unwrap_or(Path::new("."));
        let settings = [
            ("base.source", &mut config.base.source),
            ("llvm.llvm-config", &mut config.llvm.llvm_config),
            ("build.rustc", &mut config.build.rustc),
            ("build.cargo", &mut config.build.cargo),
        ];
        for (key, setting) in settings {
            if let Some(setting) = setting {
                *setting = folder.join(&setting);
                if !setting.exists() {
                    let line = line_of(&text, key);
                    let (file, path) = (path.display(), setting.display());
                    bail!("{file}:{line}: `{key}` names {path}, which does not exist");
                }
            }
        }
        if config.build.jobs == Some(0) {
            let (file, line) = (path.display(), line_of(&text, "build.jobs"));
            bail!("{file}:{line}: `build.jobs` is 0; it must be at least 1");
        }
        let mut seen = BTreeSet::new();
        for target in &config.build.targets {
            if !seen.insert(target) {
                let (file, line) = (path.display(), line_of(&text, "build.targets"));
                bail!("{file}:{line}: `build.targets` names {target} twice");
            }
        }
        Ok(config)
    }
}

/// The line, counted from 1, on which `text` sets the dotted `key`; 1 if it is written in a way
/// that is not seen.
fn line_of(text: &str, key: &str) -> usize {
    let (table, name) = key.split_once('.').expect("a key lies in a table");
    let mut in_table = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            in_table = line.trim_matches(['[', ']', ' ']) == table;
        }
        let set = line.split('=').next().unwrap_or_default().trim();
        if (in_table && set == name) || set == key {
            return index + 1;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("here"), "").unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    fn error(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn no_file_means_all_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::read(&folder.path().join("config.toml")).unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.build.targets.len(), 4);
    }

    #[test]
    fn the_example_documents_every_setting_with_its_default() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let example = std::fs::read_to_string(root.join("config.example.toml")).unwrap();
        assert_eq!(read(&example).unwrap(), Config::default());

        // With every `#key = value` switched on, each key must be one that is known.
        let uncommented: String = example
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') && setting.contains(" = ") => {
                    format!("{setting}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect();
        let table: toml::Table = toml::from_str(&uncommented).unwrap();
        toml::from_str::<Config>(&uncommented).unwrap();
        let keys = |table: &str, table_value: &toml::Table| {
            table_value[table].as_table().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(keys("base", &table), "source");
        assert_eq!(keys("llvm", &table), "llvm-config");
        assert_eq!(keys("build", &table), "cargo jobs rustc targets");
        assert_eq!(keys("rust", &table), "debug-assertions debug-logging");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = error("[build]\njobs = 2\ntarget = []\n");
        assert!(error.contains("config.toml:3:") && error.contains("`target`"), "{error}");
        assert!(error.contains("config.example.toml"), "{error}");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_with_its_line() {
        let error = error("[rust]\n\ndebug-assertions = \"yes\"\n");
        assert!(error.contains("config.toml:3:") && error.contains("debug-assertions"), "{error}");
    }

    #[test]
    fn broken_toml_is_named_with_its_line() {
        assert!(error("[base]\nsource = \n").contains("config.toml:2:"));
    }

    #[test]
    fn paths_are_taken_from_the_folder_of_the_file_and_must_exist() {
        let config = read("[base]\nsource = \"here\"\n").unwrap();
        assert!(config.base.source.unwrap().is_absolute());
        let error = error("\n[llvm]\nllvm-config = \"gone\"\n");
        assert!(error.contains("config.toml:3: `llvm.llvm-config`"), "{error}");
    }

    #[test]
    fn nonsense_values_are_refused() {
        assert!(error("[build]\njobs = 0\n").contains("config.toml:2: `build.jobs`"));
        assert!(error("[build]\ntargets = [\"a\", \"a\"]\n").contains("twice"));
    }
}
