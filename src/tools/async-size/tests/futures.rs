//! `--futures` on a small program: what is told of its futures is what they are.

mod project;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use measure::arguments::repository;
use measure::compiler::Compiler;
use serde_json::Value;

use self::project::project;

/// `serve` awaits `send`, which is small, and twice `store`, which is not; `forgotten` is polled
/// nowhere.
const PROGRAM: &str = r#"use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

struct Once(bool);

impl Future for Once {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn send(byte: u8) {
    Once(false).await;
    black_box(byte);
}

#[inline(never)]
async fn store(block: &[u8; 256]) {
    Once(false).await;
    black_box(block);
}

async fn serve() {
    let block = black_box([1; 256]);
    send(block[0]).await;
    store(&block).await;
}

pub async fn forgotten() {
    let large = black_box([0; 5000]);
    Once(false).await;
    black_box(large);
}

fn main() {
    if black_box(false) {
        // Its code is not run, but there: it is dropped.
        drop(serve());
    }
    let mut future = pin!(serve());
    let mut context = Context::from_waker(Waker::noop());
    while future.as_mut().poll(&mut context).is_pending() {}
}
"#;

/// Runs the tool on the project with more `arguments`.
fn run(project: &Path, arguments: &[&str]) -> Output {
    let rustc = repository().join("build/stage1/bin/rustc");
    let compiler = Compiler::ask(&rustc).expect("this takes a compiler: ./x.py build");
    let output = Command::new(env!("CARGO_BIN_EXE_async-size"))
        .arg("--manifest-path")
        .arg(project.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(project.join("build"))
        .args(["--target", &compiler.host, "--rustc"])
        .arg(rustc)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The future whose path begins with `name`.
fn future<'a>(report: &'a Value, name: &str) -> Option<&'a Value> {
    let futures = report["groups"][0]["futures"].as_array().unwrap();
    let path = format!("{name}::");
    futures.iter().find(|future| future["path"].as_str().unwrap().contains(&path))
}

#[test]
fn the_report_has_what_is_in_the_program() {
    let project = project(PROGRAM);
    let page = project.path().join("futures.html");
    let output = run(project.path(), &["--futures", "--json=-", "--html", page.to_str().unwrap()]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();

    let serve = future(&report, "serve").unwrap();
    assert_eq!(serve["binaries"], serde_json::json!(["app"]));
    let sizes = ["off", "on"].map(|build| serve[build]["size"].as_u64().unwrap());
    assert!(sizes[1] > 256 && sizes[1] <= sizes[0], "{sizes:?}");
    let values = serve["on"]["values"].as_array().unwrap();
    let block = values.iter().find(|value| value["name"] == "block").unwrap();
    assert_eq!((&block["size"], &block["source"]["line"]), (&256.into(), &26.into()));
    assert_eq!(block["states"].as_array().unwrap().len(), 2, "over both awaits: {block}");

    // With the passes on it is a part of `serve`.
    let send = future(&report, "send").unwrap();
    assert!(send["off"]["size"].is_u64() && send["on"].is_null(), "{send}");
    assert!(future(&report, "store").unwrap()["on"]["size"].is_u64());
    assert!(future(&report, "forgotten").is_none());

    let awaits = serve["on"]["awaits"].as_array().unwrap();
    let fate = |line: u64| {
        let found = awaits.iter().find(|found| found["source"]["line"] == line).unwrap();
        found["fates"][0].clone()
    };
    assert_eq!(fate(27)["fate"], "inlined");
    assert_eq!(fate(28)["reason"], "is never to be inlined");
    assert!(fate(28)["remedy"].as_str().unwrap().contains("#[inline(never)]"));

    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("async fn forgotten() {"), "the source is in the page");
    assert!(page.contains("What its ") && page.contains("The states of app::serve"));
}

#[test]
fn the_states_of_one_future_are_drawn() {
    let project = project(PROGRAM);
    let picture = project.path().join("states.svg");
    let arguments = ["--states", "serve", "--svg", picture.to_str().unwrap()];
    let dot = String::from_utf8(run(project.path(), &arguments).stdout).unwrap();
    assert!(dot.starts_with("digraph \"app::serve\" {"), "{dot}");
    // The await of `send` is one of its body, which is a part of this one.
    for text in ["at src/main.rs:28: ", "at src/main.rs:15: ", "saves block 256", " -> s3;"] {
        assert!(dot.contains(text), "{text} is not in {dot}");
    }
    let picture = fs::read_to_string(picture).unwrap();
    let document = roxmltree::Document::parse(&picture).unwrap();
    let boxes = document.descendants().filter(|node| node.tag_name().name() == "rect");
    assert_eq!(boxes.count(), dot.matches("label=").count());
}

/// What the compiler writes of the coroutines in `program`.
fn dump(program: &str, flags: &[&str]) -> Value {
    compile(program, flags).0
}

/// The same, and what it prints.
fn compile(program: &str, flags: &[&str]) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("app.rs");
    fs::write(&source, program).unwrap();
    let dumps = folder.path().join("dumps");
    let output = Command::new(repository().join("build/stage1/bin/rustc"))
        .args(["--edition=2024", "-Zasync-returned-panic=no"])
        .args(flags)
        .arg(format!("-Zdump-coroutines={}", dumps.display()))
        .arg("-o")
        .arg(folder.path().join("app"))
        .arg(&source)
        .output()
        .expect("this takes a compiler: ./x.py build");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files: Vec<_> = fs::read_dir(dumps).unwrap().map(|file| file.unwrap().path()).collect();
    let [file] = &files[..] else { panic!("one crate has one file: {files:?}") };
    let dump = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    (dump, String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_dump_has_the_sizes_that_print_type_sizes_has() {
    for level in ["-Copt-level=0", "-Copt-level=3", "-Copt-level=z"] {
        let (coroutines, printed) = compile(PROGRAM, &[level, "-Zprint-type-sizes"]);
        let coroutines = coroutines.as_array().unwrap();
        assert!(!coroutines.is_empty());
        for coroutine in coroutines {
            let name = coroutine["name"].as_str().unwrap().replace("app::", "");
            let (size, align) = (&coroutine["size"], &coroutine["align"]);
            let line = format!("type: `{name}`: {size} bytes, alignment: {align} bytes");
            assert!(printed.contains(&line), "{level}: {line} is not in {printed}");
        }
    }
}

#[test]
fn the_dump_has_a_task_that_is_inlined_in_its_poller() {
    let program = "
        use std::task::{Context, Waker};
        async fn small(number: u8) -> u8 { std::future::pending::<()>().await; number }
        async fn task(number: u8) -> u8 {
            let array = [number; 100];
            array[small(number).await as usize]
        }
        fn main() {
            let mut task = Box::pin(task(3));
            let mut context = Context::from_waker(Waker::noop());
            while task.as_mut().poll(&mut context).is_pending() {}
        }";
    for level in ["-Copt-level=1", "-Copt-level=3", "-Copt-level=z"] {
        let coroutines = dump(program, &[level]);
        let names: Vec<_> = coroutines.as_array().unwrap().iter().map(|it| &it["name"]).collect();
        // What is a part of it in turn is not listed.
        assert_eq!(names, ["{async fn body of app::task()}"], "{level}");
    }
}

#[test]
fn a_state_of_the_dump_ends_with_its_last_value() {
    let program = "
        use std::task::{Context, Waker};
        async fn task(number: u8) -> u64 {
            let array = [number as u64; 10];
            std::future::pending::<()>().await;
            array[3]
        }
        fn main() {
            let mut context = Context::from_waker(Waker::noop());
            assert!(std::pin::pin!(task(1)).poll(&mut context).is_pending());
        }";
    let coroutines = dump(program, &["-Copt-level=1"]);
    let task = &coroutines[0];
    let end = |value: &Value| value["offset"].as_u64().unwrap() + value["size"].as_u64().unwrap();
    let upvars = task["upvars"].as_array().unwrap().iter().map(end).max().unwrap();
    for state in task["states"].as_array().unwrap() {
        let saved = state["saved"].as_array().unwrap().iter();
        let saved = saved.map(|index| end(&task["saved"][index.as_u64().unwrap() as usize]));
        assert_eq!(state["size"], saved.fold(upvars, u64::max), "{task:#}");
    }
    assert!(end(&task["tag"]) > upvars, "else the tag could not be taken for a value: {task:#}");
}

/// What the compiler notes at opt-level 3 of the awaits in `task`, whose body is `awaits`. That may
/// be of `large`, an async fn with `attributes` and so many calls.
fn noted_in_task(attributes: &str, calls: usize, awaits: &str) -> Vec<Value> {
    let calls = "number = std::hint::black_box(number);".repeat(calls);
    let program = format!(
        "
        {attributes}
        async fn large(mut number: u8) {{
            {calls}
            std::future::pending::<()>().await;
        }}
        async fn task() {{ {awaits} }}
        fn main() {{
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(std::pin::pin!(task()).poll(&mut context).is_pending());
        }}"
    );
    let coroutines = dump(&program, &["-Copt-level=3"]);
    let mut coroutines = coroutines.as_array().unwrap().iter();
    let task = coroutines.find(|it| it["name"].as_str().unwrap().contains("task")).unwrap();
    task["awaits"].as_array().unwrap().clone()
}

#[test]
fn the_dump_says_when_a_body_would_be_too_large() {
    // 700 calls are too large for any body, 300 for one in which they are inlined already.
    for (calls, inlined) in [(700, 0), (300, 1)] {
        let awaits = "large(1).await; large(2).await;";
        let awaits = noted_in_task("#[inline(always)]", calls, awaits);
        let reasons: Vec<_> = awaits
            .iter()
            .filter(|found| found["fate"] == "not inlined")
            .filter(|found| found["awaitee"].as_str().unwrap().contains("large"))
            .map(|found| &found["reason"])
            .collect();
        assert_eq!(reasons, vec!["makes the body too large"; 2 - inlined], "{awaits:#?}");
    }
}

#[test]
fn the_limit_of_the_dump_is_that_of_each_copy() {
    let awaits = noted_in_task("", 15, "large(1).await; large(2).await; large(3).await;");
    let refused = awaits.iter().find(|found| found["reason"] == "is too large").unwrap();
    let [cost, limit] = ["cost", "limit"].map(|name| refused[name].as_u64().unwrap());
    assert!(cost > limit && 2 * cost < 3 * limit, "two would fit: {refused:#}");
}
