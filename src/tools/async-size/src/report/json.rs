//! The report for programs.
//!
//! One object, with all sizes in bytes and variants in the order in which they were built, `off`
//! first:
//!
//! ```text
//! {
//!   "compiler": "rustc 1.96.0-dev",               the first line of `rustc -vV`
//!   "flags": { "off": ["-Z…"], "on": ["-Z…"] },   the flags of each variant
//!   "results": [                                  binaries that every variant has
//!     {
//!       "target": "thumbv6m-none-eabi",
//!       "level": "z",
//!       "panic": "abort",
//!       "package": "rp",
//!       "binary": "leds",
//!       "variants": {
//!         "off": { "text": 1, "rodata": 1, "data": 1, "bss": 1, "flash": 1, "ram": 1,
//!                  "pools": 1, "frame": 1, "stack": 1, "async": 1 },
//!         "on": { … }
//!       }
//!     }
//!   ],
//!   "failed": [                                   a binary that a variant lacks
//!     { "target": …, "level": …, "panic": …, "variant": …, "package": …, "binary": …,
//!       "reason": … }
//!   ]
//! }
//! ```
//!
//! [`Sizes`] says what each size is. `stack` is null if the calls are not known, and `async` is
//! there only with `--async-share`.

use measure::elf::Sizes;
use measure::json::{self, Ordered};
use serde::Serialize;

use super::{Failure, Report};

#[derive(Serialize)]
struct Results<'a> {
    results: Vec<Binary<'a>>,
    failed: &'a [Failure],
}

#[derive(Serialize)]
struct Binary<'a> {
    target: &'a str,
    level: &'static str,
    panic: &'static str,
    package: &'a str,
    binary: &'a str,
    variants: Ordered<'a, &'a Sizes>,
}

/// The report as JSON, with a line break at the end.
pub fn render(report: &Report) -> serde_json::Result<String> {
    let names = || report.variants.iter().map(|variant| variant.name.as_str());
    let results = Results {
        results: report
            .results
            .iter()
            .map(|measured| Binary {
                target: &measured.target,
                level: measured.level.name(),
                panic: measured.panic.name(),
                package: &measured.package,
                binary: &measured.binary,
                variants: Ordered(names().zip(&measured.sizes).collect()),
            })
            .collect(),
        failed: &report.failed,
    };
    json::render(&report.compiler, &report.variants, results)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::tests::{report, report_with_async_code};

    #[test]
    fn the_object_is_as_documented() {
        let text = render(&report()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["compiler"], "rustc 1.96.0-dev");
        assert_eq!(value["flags"]["on"], json!(["-Zasync-returned-panic=no"]));
        assert_eq!(
            value["results"][0],
            json!({
                "target": "thumbv6m-none-eabi", "level": "z", "panic": "abort",
                "package": "rp", "binary": "leds",
                "variants": {
                    "off": {"text": 8000, "rodata": 900, "data": 100, "bss": 400, "flash": 9000, "ram": 500, "pools": 250, "frame": 64, "stack": 128},
                    "on": {"text": 7000, "rodata": 900, "data": 100, "bss": 300, "flash": 8000, "ram": 400, "pools": 200, "frame": 48, "stack": 96},
                }
            })
        );
        assert_eq!(value["failed"][0]["binary"], "broken");
        assert_eq!(value["failed"][0]["reason"], "it does not build");
        assert!(text.find("\"off\"").unwrap() < text.find("\"on\"").unwrap());
    }

    #[test]
    fn what_was_not_measured_is_not_there() {
        let variants = |mut report: Report| {
            report.results[0].sizes[0].stack = None;
            let value: serde_json::Value = serde_json::from_str(&render(&report).unwrap()).unwrap();
            value["results"][0]["variants"].clone()
        };
        let with_async_code = variants(report_with_async_code());
        assert_eq!(with_async_code["on"]["async"], 1750);
        let without = variants(report());
        assert!(without["off"]["stack"].is_null());
        assert!(without["on"].get("async").is_none());
    }
}
