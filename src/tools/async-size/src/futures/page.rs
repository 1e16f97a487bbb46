//! The futures as a page for a browser.
//!
//! It is one file with all that it needs, and loads nothing: the styles, the program, the futures
//! as JSON, the text of the files that they are written in, and the graphs of their states. The
//! program draws a future when it is chosen. What is shown is in the fragment of the address, so
//! that a link leads to it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use measure::passes::Variant;
use serde::Serialize;

use super::files::{Files, Text};
use super::graph;
use super::model::{Future, Group, Layout};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const PROGRAM: &str = concat!(
    include_str!("page/future.js"),
    include_str!("page/treemap.js"),
    include_str!("page/page.js")
);

/// What stands in the page where something is to be filled in.
const SLOTS: [&str; 3] = ["/* style */", "/* program */", "/* data */"];

/// All that the program of the page needs.
#[derive(Serialize)]
struct Data<'a> {
    compiler: &'a str,
    variants: Vec<[String; 2]>,
    groups: &'a [Group],
    files: BTreeMap<&'a Path, Text>,
    /// For each group and future, the graphs with the passes off and on.
    graphs: Vec<Vec<[Option<String>; 2]>>,
}

/// The page. Fails if there is a path that is not Unicode.
pub fn render(
    compiler: &str,
    variants: &[Variant],
    groups: &[Group],
    files: &Files,
) -> Result<String> {
    let graphs = |future: &Future| {
        let graph = |layout: &Option<Layout>| {
            let layout = layout.as_ref().filter(|layout| layout.suspension_points() > 0)?;
            Some(graph::svg(&future.short, layout, files, false))
        };
        [graph(&future.off), graph(&future.on)]
    };
    let data = Data {
        compiler,
        variants: variants
            .iter()
            .map(|variant| [variant.name.clone(), variant.rustflags.join(" ")])
            .collect(),
        groups,
        files: files.texts(),
        graphs: (groups.iter()).map(|group| group.futures.iter().map(graphs).collect()).collect(),
    };
    let data = serde_json::to_string(&data).context("cannot write the page")?;
    let page = PAGE.replacen(SLOTS[0], STYLE, 1).replacen(SLOTS[1], PROGRAM, 1);
    // Last, as it may have anything in it.
    Ok(page.replacen(SLOTS[2], &in_script(&data), 1))
}

/// JSON that may stand in a script: nothing in it ends that, or begins a comment.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests;
