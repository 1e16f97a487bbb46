//! Where a report goes, in its three forms.

use std::io::{ErrorKind, Write, stderr, stdout};
use std::path::Path;

use anyhow::{Context, Result};

use crate::arguments::CommonArguments;
use crate::whole_file;

impl CommonArguments {
    /// Fails if one of the files that the report is to go to cannot be written.
    pub fn check_files(&self) -> Result<()> {
        [self.json_file(), self.svg.as_deref()]
            .into_iter()
            .flatten()
            .try_for_each(whole_file::check)
    }

    /// Writes the report in the forms that the arguments ask for, each where they say: a table for
    /// people, JSON for programs, and a picture.
    pub fn write(&self, table: &str, json: serde_json::Result<String>, svg: &str) -> Result<()> {
        let json = json.context("cannot write the report as JSON")?;
        if let Some(file) = self.json_file() {
            whole_file::write(file, &json)?;
        }
        if let Some(file) = &self.svg {
            whole_file::write(file, svg)?;
        }
        if self.json.is_some() && self.json_file().is_none() {
            print(stdout(), &json)?;
            print(stderr(), table)
        } else {
            print(stdout(), table)
        }
    }

    /// The file for the report as JSON, if it goes to one.
    fn json_file(&self) -> Option<&Path> {
        self.json.as_deref().filter(|path| *path != Path::new("-"))
    }
}

/// Writes a report to a stream. That its reader stops early is no error.
fn print(mut stream: impl Write, text: &str) -> Result<()> {
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the report")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser as _;

    use crate::arguments::tests::Line;

    #[test]
    fn files_get_what_they_are_for() {
        let folder = tempfile::tempdir().unwrap();
        let (json, svg) = (folder.path().join("a.json"), folder.path().join("a.svg"));
        let words = ["tool", "--json", json.to_str().unwrap(), "--svg", svg.to_str().unwrap()];
        let common = Line::parse_from(words).common;
        common.check_files().unwrap();
        common.write("", Ok("{}".into()), "<svg/>").unwrap();
        assert_eq!(fs::read_to_string(json).unwrap(), "{}");
        assert_eq!(fs::read_to_string(svg).unwrap(), "<svg/>");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let svg = folder.path().join("none").join("a.svg");
        let common = Line::parse_from(["tool", "--svg", svg.to_str().unwrap()]).common;
        assert!(common.check_files().is_err());
        let common = Line::parse_from(["tool", "--json", "-"]).common;
        assert!(common.check_files().is_ok());
    }
}
