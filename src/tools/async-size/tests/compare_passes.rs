//! `--compare-passes` on a few complaints: all passes together are as good as all but one.
//!
//! The programs are compiled for the host: every compiler has `core` for that.

use std::process::Command;

use measure::arguments::repository;
use measure::compiler::Compiler;
use serde_json::Value;

/// Programs that are small, and for several passes.
const PROGRAMS: &str = "join,kept_call,timeout";

#[test]
fn no_pass_undoes_what_others_save() {
    let rustc = repository().join("build/stage1/bin/rustc");
    let compiler = Compiler::ask(&rustc).expect("this takes a compiler: ./x.py build");
    let output = Command::new(env!("CARGO_BIN_EXE_async-size"))
        .args(["--complaints", "--compare-passes", "--json=-", "--bin", PROGRAMS])
        .args(["--target", &compiler.host, "--rustc"])
        .arg(rustc)
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{table}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 3 * PROGRAMS.split(',').count());
    let futures = results.iter().filter(|result| result["measure"] == "future");
    for variants in futures.map(|result| &result["variants"]) {
        // Else the flag, or the switch of a pass, would do nothing here.
        let size = |variant: &str| variants[variant].as_u64().unwrap();
        assert!(size("on") < size("off"), "{table}");
        let without = ["no-InlineAwait", "no-UpvarsInPlace"].map(size);
        assert!(without.iter().any(|&size_without| size("on") < size_without), "{table}");
    }
}
