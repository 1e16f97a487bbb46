//! A body of many awaits takes no more of the compiler's memory with the flag on than off.

mod once;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use measure::arguments::repository;
use nix::sys::resource::{UsageWho, getrusage};

use self::once::ONCE;

/// The function that awaits has so many awaits. What rustc keeps for them grows faster than their
/// number, with the flag off, too.
const AWAITS: usize = 400;

/// An async fn of many awaits, one behind the other, of one that has something to drop and may
/// fail.
fn source() -> String {
    let mut text = String::from(ONCE);
    text += "\
        async fn small(x: u32, all: &mut Vec<String>) -> Result<u32, String> {
            let text = format!(\"{x}\");
            Once(x % 2 == 0).await;
            all.push(text);
            if x > 7 { Err(format!(\"{x}\")) } else { Ok(x) }
        }
        pub async fn many(mut x: u32, all: &mut Vec<String>) -> Result<u32, String> {\n";
    for number in 0..AWAITS {
        let _ = writeln!(text, "    x += small(x ^ {number}, all).await?;");
    }
    text + "    Ok(x)\n}\n"
}

/// Makes the MIR of all bodies in `folder`, and returns the most memory, in kB, that any compiler
/// has taken that this process ran.
fn peak(folder: &Path, flag: &str, level: &str) -> i64 {
    let output = Command::new(repository().join("build/stage1/bin/rustc"))
        .current_dir(folder)
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "-Zalways-encode-mir"])
        .args([flag, level, "main.rs"])
        .output()
        .expect("this takes a compiler: ./x.py build");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss()
}

#[test]
fn many_awaits_take_no_more_memory_than_with_the_flag_off() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.rs"), source()).unwrap();
    let off = peak(folder.path(), "-Zasync-returned-panic=yes", "-Copt-level=3");
    for level in ["-Copt-level=3", "-Copt-level=z"] {
        let on = peak(folder.path(), "-Zasync-returned-panic=no", level);
        println!("{level}: {off} kB off, at most {on} kB on");
        // From one run to the next it differs by a little.
        assert!(on <= off + off / 10);
    }
}
