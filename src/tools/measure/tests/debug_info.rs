//! Async code is found by the names that the compiler gives its bodies.

#![cfg(target_os = "linux")]

use std::env;
use std::fs;
use std::process::Command;

use measure::debug_info::{self, async_code};
use object::{Object as _, ObjectSymbol as _};
use rustc_demangle::demangle;

const PROGRAM: &str = "
    use std::hint::black_box;
    use std::pin::pin;
    use std::task::{Context, Waker};

    async fn function<T: Copy>(value: T) -> T { black_box(value) }

    fn once(closure: impl AsyncFnOnce(u8) -> u8) {
        poll(closure(1));
    }

    fn poll(future: impl Future) {
        let _ = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    }

    fn main() {
        let offset = black_box(2);
        let no_body = |value: u8| black_box(value) + offset;
        poll(function(no_body(1)));
        poll(async { black_box(offset) });
        poll((async |value: u8| value + offset)(3));
        once(async move |value: u8| value + black_box(offset));
    }
";

/// The places of the async bodies, as their symbols have them without a hash.
const BODIES: [&str; 4] = [
    "program::function::<u8>::{closure#0}",
    "program::main::{closure#1}",
    "program::main::{closure#2}::{closure#0}",
    "program::main::{closure#3}::{closure#0}",
];

/// Compiles the program without optimizations, so that nothing is inlined.
fn compile(flags: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("program.rs");
    fs::write(&source, PROGRAM).unwrap();
    let output = Command::new(env::var_os("RUSTC").unwrap_or("rustc".into()))
        .current_dir(folder.path())
        .args(["--edition=2024", "-Csymbol-mangling-version=v0", "-Copt-level=0"])
        .args(flags)
        .arg(source)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(folder.path().join("program")).unwrap()
}

#[test]
fn every_kind_of_async_body_counts_and_no_closure() {
    let program = compile(&[debug_info::FLAG]);
    let file = object::File::parse(&*program).unwrap();
    let symbols = file.symbols().map(|symbol| (symbol.name().unwrap().to_owned(), symbol.size()));
    let symbols = symbols.map(|(name, size)| (format!("{:#}", demangle(&name)), size));
    // The compiler may add a generic argument of its own.
    let is_body = |name: &str| {
        let rest = BODIES.iter().find_map(|body| name.strip_prefix(body));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::<"))
    };
    let (bodies, sizes): (Vec<_>, Vec<_>) = symbols.filter(|(name, _)| is_body(name)).unzip();
    assert_eq!(bodies.len(), BODIES.len(), "{bodies:?}");
    assert_eq!(async_code(&program).unwrap(), sizes.iter().sum::<u64>(), "{bodies:?}");
}

#[test]
fn functions_have_their_symbols() {
    let functions = debug_info::functions(&compile(&[debug_info::FLAG])).unwrap();
    let functions: Vec<_> = functions.iter().map(|name| format!("{:#}", demangle(name))).collect();
    for body in BODIES {
        assert!(functions.iter().any(|name| name.starts_with(body)), "{body} not in {functions:?}");
    }
}

#[test]
fn no_debug_info_is_an_error() {
    let program = compile(&["-Cdebuginfo=0", "-Cstrip=debuginfo"]);
    let error = async_code(&program).unwrap_err();
    assert_eq!(error.to_string(), "no debug info");
}
