//! `--awaits` on a small program: awaits that share a suspension point are counted, and so is why
//! others do not.

mod project;

use std::process::Command;

use measure::arguments::repository;
use serde_json::{Value, json};

use self::project::project;

/// `twice` awaits the same at two places. At those of `apart` it holds different locals.
const PROGRAM: &str = r#"use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};

struct Once(bool);

impl Future for Once {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[inline(never)]
async fn send(byte: u8) {
    Once(false).await;
    black_box(byte);
}

async fn twice(is_first: bool) {
    if is_first {
        send(1).await;
        black_box("the first");
    } else {
        send(1).await;
        black_box("the second");
    }
}

async fn apart(is_first: bool) {
    if is_first {
        let block = black_box([1u8; 64]);
        send(1).await;
        black_box(&block);
    } else {
        let number = black_box(2u64);
        send(2).await;
        black_box(&number);
    }
}

fn main() {
    black_box((twice(true), apart(true)));
}
"#;

#[test]
fn merged_awaits_and_others_are_counted() {
    let folder = project(PROGRAM);
    let output = Command::new(env!("CARGO_BIN_EXE_async-size"))
        .args(["--awaits", "--json=-", "--opt-level=z", "--rustc"])
        .arg(repository().join("build/stage1/bin/rustc"))
        .arg("--manifest-path")
        .arg(folder.path().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(folder.path().join("target"))
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{table}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let crates = &report["levels"][0]["crates"];
    let app = json!({
        "crate": "app",
        "bodies": 2,
        "surplus": 2,
        "gone": 1,
        "left": { "hold different locals": 1 },
    });
    assert_eq!(*crates, json!([app]), "{table}");
}
