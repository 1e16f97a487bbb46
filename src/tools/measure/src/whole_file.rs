//! Files that are there as a whole or not at all.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Fails if no file can be made at `path`, before hours go into what is to stand in it.
pub fn check(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    if !folder.is_dir() {
        bail!("cannot write `{}`: there is no folder `{}`", path.display(), folder.display());
    }
    if path.is_dir() {
        bail!("cannot write `{}`: it is a folder", path.display());
    }
    Ok(())
}

/// Writes `text` to the file `path`, which keeps what it had until all of the text is written.
pub fn write(path: &Path, text: &str) -> Result<()> {
    write_and_rename(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

fn write_and_rename(path: &Path, text: &str) -> Result<()> {
    let mut builder = tempfile::Builder::new();
    // A temporary file is for its owner's eyes only; a report is like any other file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".report").tempfile_in(folder_of(path))?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// The folder that `path` is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "a longer text than the new one").unwrap();
        check(&path).unwrap();
        write(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error_before_the_run() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check(&folder.path().join("none").join("report.json")).is_err());
        assert!(check(folder.path()).is_err());
        assert!(check(Path::new("report.json")).is_ok());
    }
}
