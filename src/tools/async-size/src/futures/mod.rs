//! Tells which futures are large, what is in them, and what can be done about it.
//!
//! The binaries are built from nothing with the passes off and on. The compiler [writes](dump) what
//! is in each coroutine that gets code; what of these the linker left is found in the [debug
//! info](debug_info) of the binaries. Both are put side by side in a [model], which is shown as a
//! [table], as JSON, as a [page] for a browser, or as a [graph] of one future's states.

mod advice;
pub mod arguments;
mod build;
mod dump;
mod files;
mod graph;
mod layout;
mod model;
mod names;
mod page;
mod table;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use measure::build_folder::OnceFolder;
use measure::debug_info;
use measure::json;
use measure::opt_level::OptLevel;
use measure::passes::Variant;
use measure::progress::Progress;
use measure::whole_file;
use serde::Serialize;

use self::build::Build;
use self::files::Files;
use self::model::{Future, Group};
use crate::arguments::Arguments;
use crate::measurement::{Measurement, Piece};

/// The folder for what the compiler writes, in the one that is built in.
const DUMPS: &str = "coroutines";

/// The report for programs.
///
/// One object, with all sizes in bytes. Fields of [`model`] say what each is; numbers of values and
/// states are places in the lists of their layout, and those of futures in that of the group.
///
/// ```text
/// {
///   "compiler": "rustc 1.96.0-dev",               the first line of `rustc -vV`
///   "flags": { "off": ["-Z…"], "on": ["-Z…"] },   the flags of each variant
///   "groups": [
///     {
///       "target": "thumbv6m-none-eabi", "level": "z", "panic": "abort",
///       "futures": [
///         {
///           "short": "app::serve", "name": "{async fn body of serve()}",
///           "path": "serve::{closure#0}", "defined_in": "app", "kind": "async fn body",
///           "source": { "file": …, "line": 9, "column": 1, "end_line": 18, "end_column": 2 },
///           "binaries": ["app"],
///           "off": {                              null if it is in no binary of that build
///             "size": 160, "align": 4, "tag": { "offset": 156, "size": 1 },
///             "values": [
///               { "name": "buffer", "label": "buffer", "type": …, "short_type": …,
///                 "is_awaited": false, "is_upvar": false, "futures": [1], "source": …,
///                 "offset": 8, "size": 64, "align": 1, "states": [3], "overlaps": [2],
///                 "twin": null }
///             ],
///             "states": [
///               { "name": "Suspend0", "source": …, "size": 152, "used": 152,
///                 "saved": [1, 2], "leads_to": [1, 3] }
///             ],
///             "awaits": [
///               { "awaitee": …, "short": …, "source": …, "future": 1,
///                 "fates": [
///                   { "fate": "not inlined", "with": null, "reason": "is too large",
///                     "cost": 80, "limit": 60, "words": …, "remedy": … }
///                 ] }
///             ],
///             "parts": [ { "offset": 8, "size": 64, "of": { "value": 1 } } ]
///           },
///           "on": { … }
///         }
///       ]
///     }
///   ]
/// }
/// ```
#[derive(Serialize)]
struct Results<'a> {
    groups: &'a [Group],
}

/// Builds what the arguments say, and writes the report. Fails if anything does not build, if the
/// compiler does not know [`dump::FLAG`], or if no future has the name that is asked for.
pub fn run(arguments: &Arguments, measurement: &Measurement) -> Result<()> {
    let asked = &arguments.futures;
    let Measurement { compiler, variants, .. } = measurement;
    let [off, on] = &variants[..] else {
        bail!("futures are compared with one set of passes; name it with --passes");
    };
    if let Some(file) = &asked.html {
        whole_file::check(file)?;
    }
    if !compiler.knows(dump::FLAG)? {
        bail!(
            "the compiler `{}` does not know `-Z {}`; build one with `./x.py build`, or name \
             another with `--rustc`",
            compiler.path.display(),
            dump::FLAG
        );
    }
    let groups = groups(measurement, [off, on])?;
    let files = Files::new(&groups, &measurement.project.root);
    let json = || json::render(&compiler.version, variants, Results { groups: &groups });
    if let Some(name) = &asked.states {
        let future = the_only(&groups, name)?;
        let Some(layout) = future.latest() else { bail!("`{name}` has no layout") };
        let picture = graph::svg(&future.short, layout, &files, true);
        return arguments.common.write(
            &graph::dot(&future.short, layout, &files),
            json(),
            &picture,
        );
    }
    let table = match &asked.name {
        Some(name) => details(&groups, name, &files)?,
        None => table::list(&groups, asked.top),
    };
    if let Some(file) = &asked.html {
        let page = page::render(&compiler.version, variants, &groups, &files)?;
        whole_file::write(file, &page)?;
    }
    let table = table::head(&compiler.version, variants) + &table;
    arguments.common.write(&table, json(), "")
}

/// All of the futures with this name. Fails if there is none.
fn details(groups: &[Group], name: &str, files: &Files) -> Result<String> {
    let found = groups.iter().map(|group| (group, group.find(name)));
    let found: Vec<_> = found.filter(|(_, futures)| !futures.is_empty()).collect();
    if found.is_empty() {
        bail!(no_such(groups, name));
    }
    Ok(found.iter().map(|(group, futures)| table::detail(group, futures, files)).collect())
}

/// The future with this name. Fails if there is none, or if there are several.
fn the_only<'a>(groups: &'a [Group], name: &str) -> Result<&'a Future> {
    let found: Vec<_> = groups.iter().flat_map(|group| group.find(name)).collect();
    match found[..] {
        [future] => Ok(future),
        [] => bail!(no_such(groups, name)),
        _ => {
            let names: Vec<_> = found.iter().map(|future| format!("  {}", future.short)).collect();
            bail!(
                "{} futures have `{name}` in their name; name one of them, and one --target, \
                 --opt-level and --panic\n{}",
                found.len(),
                names.join("\n")
            )
        }
    }
}

fn no_such(groups: &[Group], name: &str) -> String {
    let count: usize = groups.iter().map(|group| group.futures.len()).sum();
    format!("none of the {count} futures has `{name}` in its name; --futures --top 0 lists them")
}

/// Builds everything with two sets of passes: a group for each level, and target with its panic
/// strategy.
fn groups(measurement: &Measurement, variants: [&Variant; 2]) -> Result<Vec<Group>> {
    let pieces = measurement.pieces()?;
    let mut by_target = Vec::<Vec<&Piece<'_>>>::new();
    for piece in &pieces {
        let key = |piece: &Piece<'_>| (piece.target.to_owned(), piece.panic);
        match by_target.iter_mut().find(|pieces| key(pieces[0]) == key(piece)) {
            Some(pieces) => pieces.push(piece),
            None => by_target.push(vec![piece]),
        }
    }
    let steps = pieces.len() * measurement.levels.len() * variants.len();
    let mut progress = Progress::new(steps, measurement.cargo.verbose);
    let mut groups = Vec::new();
    for &level in &measurement.levels {
        for pieces in &by_target {
            let [off, on] = variants
                .map(|variant| build_all(measurement, pieces, level, variant, &mut progress));
            let Piece { target, panic, .. } = *pieces[0];
            groups.push(Group::new(target, level, panic, &off?, &on?));
        }
    }
    progress.finish();
    Ok(groups)
}

/// Builds all `pieces`, which are for one target, from nothing.
fn build_all(
    measurement: &Measurement,
    pieces: &[&Piece<'_>],
    level: OptLevel,
    variant: &Variant,
    progress: &mut Progress,
) -> Result<Build> {
    let Measurement { compiler, cargo, project, target_dir, .. } = measurement;
    // A crate that is not compiled again writes nothing.
    let folder = OnceFolder::new(crate::NAME, target_dir, "futures", &compiler.stamp)?;
    let dumps = folder.path().join(DUMPS);
    let mut build = Build::default();
    for piece in pieces {
        progress.begin(&piece.title(level, variant));
        let mut rustflags = piece.rustflags(variant);
        rustflags.push(format!("-Z{}={}", dump::FLAG, dumps.display()));
        rustflags.push(debug_info::FLAG.into());
        let built = cargo.run(project, piece.job(level, &rustflags, folder.path()))?;
        compiler.check_unchanged()?;
        if !built.success {
            bail!(piece.failure(level, variant, &built));
        }
        for (binary, path) in &built.executables {
            build.functions.push((binary.clone(), functions(path)?));
        }
    }
    build.coroutines = dump::read(&dumps)?;
    Ok(build)
}

/// The functions that have code in the binary at `path`.
fn functions(path: &Path) -> Result<HashSet<String>> {
    fs::read(path)
        .map_err(anyhow::Error::from)
        .and_then(|file| debug_info::functions(&file))
        .with_context(|| format!("cannot read `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::futures::model::tests::group;

    #[test]
    fn a_name_that_is_not_there_is_an_error_with_a_remedy() {
        let groups = [group()];
        let error = details(&groups, "nothing", &Files::default()).unwrap_err().to_string();
        assert_eq!(
            error,
            "none of the 2 futures has `nothing` in its name; --futures --top 0 lists them"
        );
    }

    #[test]
    fn a_name_that_several_have_is_an_error_that_lists_them() {
        let groups = [group()];
        let error = the_only(&groups, "app::").unwrap_err().to_string();
        assert!(error.contains("app::serve") && error.contains("app::read"), "{error}");
        assert_eq!(the_only(&groups, "app::read").unwrap().short, "app::read");
    }

    #[test]
    fn the_report_for_programs_has_both_builds() {
        let results = Results { groups: &[group()] };
        let variants = [Variant::off(), Variant::on()];
        let text = json::render("rustc 1", &variants, results).unwrap();
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let serve = &report["groups"][0]["futures"][0];
        assert_eq!(serve["name"], "{async fn body of serve<'_>()}");
        assert_eq!((&serve["off"]["size"], &serve["on"]["size"]), (&160.into(), &96.into()));
        assert_eq!(serve["off"]["values"][2]["futures"], serde_json::json!([1]));
        assert_eq!(serve["on"]["awaits"][1]["fates"][0]["fate"], "not inlined");
    }
}
