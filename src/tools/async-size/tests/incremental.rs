//! An incremental build with the flag makes again what a change concerns, and nothing else.
//!
//! Which bodies are made is told by the log of what runs the passes on each of them.

mod once;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use measure::arguments::repository;
use serde_json::Value;

use self::once::ONCE;

const MODULE: &str = "rustc_mir_transform::async_bodies";

const MODULES: usize = 20;

/// A crate of many modules, whose `main` calls the async fn of each, and `extra` once more. At
/// opt-level 1 it costs too much to be inlined everywhere, so it matters how often it is named.
fn source(extra: Option<usize>) -> String {
    let mut text = String::from(ONCE);
    text += "async fn once() { Once(false).await }\n";
    for number in 0..MODULES {
        let _ = writeln!(
            text,
            "mod m{number} {{
                async fn inner(x: u32) -> u32 {{ super::once().await; super::once().await; x }}
                pub async fn outer(x: u32) -> u32 {{ inner(x).await + inner(x + 1).await }}
            }}"
        );
    }
    text += "fn main() {\n";
    for number in (0..MODULES).chain(extra) {
        let _ = writeln!(text, "    std::hint::black_box(m{number}::outer({number}));");
    }
    text + "}\n"
}

/// Compiles the crate in `folder`, and gives the coroutines that were made for it.
fn made(folder: &Path, extra: Option<usize>) -> BTreeSet<String> {
    fs::write(folder.join("main.rs"), source(extra)).unwrap();
    let output = Command::new(repository().join("build/stage1/bin/rustc"))
        .current_dir(folder)
        .args(["--edition=2024", "-Copt-level=1", "-Cincremental=incremental", "main.rs"])
        .arg("-Zasync-returned-panic=no")
        .env("RUSTC_LOG", format!("{MODULE}=debug"))
        .env("RUSTC_LOG_FORMAT_JSON", "1")
        .output()
        .expect("this takes a compiler: ./x.py build");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|event| event["target"] == MODULE)
        .filter_map(|event| Some(event["span"]["def_id"].as_str()?.to_owned()))
        .filter(|body| body.contains("{closure#0}"))
        .collect()
}

#[test]
fn a_call_that_is_added_makes_only_what_it_names_again() {
    let folder = tempfile::tempdir().unwrap();
    let all = made(folder.path(), None);
    assert!(all.len() > 2 * MODULES, "{all:?}");
    // It is named at two places now, and not at one.
    let again = made(folder.path(), Some(7));
    assert!(again.iter().any(|body| body.contains("m7::outer")), "{again:?}");
    assert!(again.iter().all(|body| !body.contains("m8::")), "{again:?}");
    assert!(again.len() < 6, "{again:?}");
    assert!(made(folder.path(), Some(7)).is_empty());
}
