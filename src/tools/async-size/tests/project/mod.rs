//! A project of one program, for the tests that run the tool on one.

use std::fs;

use tempfile::TempDir;

const MANIFEST: &str = "[package]
name = \"app\"
version = \"0.1.0\"
edition = \"2024\"

[workspace]
";

/// A folder with a project, which is called `app`. It is removed with what is returned.
pub fn project(program: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("Cargo.toml"), MANIFEST).unwrap();
    fs::write(folder.path().join("src/main.rs"), program).unwrap();
    folder
}
