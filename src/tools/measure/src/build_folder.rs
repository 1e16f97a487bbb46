//! The folders that cargo builds in: one per variant and level.
//!
//! Each has a file with the [stamp](crate::compiler::Compiler::stamp) of the compiler that filled
//! it. If another compiler comes, the folder is emptied: cargo itself would take what the old one
//! built, as long as both call themselves the same version.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Makes the folder `name` in `target_dir` ready for the compiler with the `stamp`, and returns it.
/// The `tool` is the name of the one that builds there.
///
/// Fails if the folder has files but no stamp: then something else made it, and it is left alone.
pub fn prepare(tool: &str, target_dir: &Path, name: &str, stamp: &str) -> Result<PathBuf> {
    let folder = target_dir.join(name);
    let stamp_file = folder.join(format!(".{tool}-compiler"));
    match fs::read_to_string(&stamp_file) {
        Ok(found) if found == stamp => return Ok(folder),
        Ok(_) => fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty `{}`", folder.display()))?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
                bail!(
                    "`{}` has files that {tool} did not make; name another --target-dir",
                    folder.display()
                );
            }
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read `{}`", stamp_file.display()));
        }
    }
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&stamp_file, stamp))
        .with_context(|| format!("cannot write to `{}`", folder.display()))?;
    Ok(folder)
}

/// A folder to build in for once: empty at first, and taken away when this is dropped.
#[derive(Debug)]
pub struct OnceFolder(PathBuf);

impl OnceFolder {
    /// Makes the folder `name`, as [`prepare`] does, and empties it, whichever compiler filled it.
    ///
    /// Fails as [`prepare`] does.
    pub fn new(tool: &str, target_dir: &Path, name: &str, stamp: &str) -> Result<Self> {
        let folder = prepare(tool, target_dir, name, stamp)?;
        // What a run left that was interrupted.
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty `{}`", folder.display()))?;
        prepare(tool, target_dir, name, stamp).map(OnceFolder)
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for OnceFolder {
    fn drop(&mut self) {
        // What cannot be removed now is when the folder is made the next time.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_for_once_is_empty_and_does_not_stay() {
        let target_dir = tempfile::tempdir().unwrap();
        let left = prepare("async-size", target_dir.path(), "once", "first").unwrap().join("left");
        fs::write(&left, "").unwrap();
        let folder = OnceFolder::new("async-size", target_dir.path(), "once", "first").unwrap();
        assert!(folder.path().exists() && !left.exists());
        fs::write(left, "").unwrap();
        drop(folder);
        assert_eq!(fs::read_dir(target_dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_another_compiler_empties_the_folder() {
        let target_dir = tempfile::tempdir().unwrap();
        let folder = prepare("async-size", target_dir.path(), "on-z", "first").unwrap();
        let built = folder.join("built");
        fs::write(&built, "").unwrap();
        prepare("async-size", target_dir.path(), "on-z", "first").unwrap();
        assert!(built.exists());
        prepare("async-size", target_dir.path(), "on-z", "second").unwrap();
        assert!(folder.exists() && !built.exists());
    }

    #[test]
    fn files_of_others_are_left_alone() {
        let target_dir = tempfile::tempdir().unwrap();
        let folder = target_dir.path().join("off-s");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("mine"), "").unwrap();
        assert!(prepare("async-size", target_dir.path(), "off-s", "first").is_err());
        assert!(folder.join("mine").exists());
    }
}
