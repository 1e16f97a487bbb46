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

#[cfg(test)]
mod tests {
    use super::*;

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
