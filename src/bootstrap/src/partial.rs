//! Files and folders that are not finished yet.
//!
//! A step that takes time makes its result under another name and renames it at the end. Then a
//! result that is there is whole, whatever happened. What is not finished is removed when the step
//! fails, when we are interrupted, and, after a crash, by the next try.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result};

static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file or folder in the making.
pub struct Partial {
    path: PathBuf,
    result: PathBuf,
}

impl Partial {
    /// Starts to make `result`. Its folder is created, a left-over of an earlier try removed.
    pub fn new(result: &Path) -> Result<Partial> {
        let mut name = result.file_name().expect("a result has a name").to_owned();
        name.push(".partial");
        let path = result.with_file_name(name);
        let parent = result.parent().expect("a result lies in a folder");
        fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        remove(&path)?;
        UNFINISHED.lock().unwrap().push(path.clone());
        Ok(Partial { path, result: result.to_owned() })
    }

    /// Where to make it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place, instead of what was there.
    pub fn finish(self) -> Result<()> {
        if self.result.is_dir() {
            remove(&self.result)?;
        }
        fs::rename(&self.path, &self.result)
            .with_context(|| format!("putting {} in its place", self.result.display()))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        UNFINISHED.lock().unwrap().retain(|path| *path != self.path);
        // Nothing is there any more if it was finished.
        let _ = remove(&self.path);
    }
}

/// Removes a file or a folder with all that is in it. That it is not there is no error.
pub fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes `content` to `path` in one step, its folder included. Returns whether that changed it.
pub fn write(path: &Path, content: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|current| current == content) {
        return Ok(false);
    }
    let partial = Partial::new(path)?;
    fs::write(partial.path(), content).with_context(|| format!("writing {}", path.display()))?;
    partial.finish()?;
    Ok(true)
}

/// From now on Ctrl-C (and SIGTERM) removes what is not finished. Programs that we run get the
/// signal as well, being in our process group.
pub fn clean_up_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        if let Ok(unfinished) = UNFINISHED.lock() {
            for path in unfinished.iter() {
                let _ = remove(path);
            }
        }
        eprintln!("\ninterrupted; what was finished is kept, and the next run goes on from there");
        std::process::exit(130);
    })
    .context("Ctrl-C cannot be caught, so an interrupted step may leave a *.partial in build/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_what_is_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let result = folder.path().join("deep/result");
        {
            let partial = Partial::new(&result).unwrap();
            fs::create_dir(partial.path()).unwrap();
            fs::write(partial.path().join("file"), "half").unwrap();
        }
        assert_eq!(fs::read_dir(folder.path().join("deep")).unwrap().count(), 0);
    }

    #[test]
    fn a_finished_folder_replaces_the_old_one_and_left_overs() {
        let folder = tempfile::tempdir().unwrap();
        let result = folder.path().join("result");
        fs::create_dir(&result).unwrap();
        fs::write(result.join("old"), "").unwrap();
        fs::create_dir(folder.path().join("result.partial")).unwrap();
        fs::write(folder.path().join("result.partial/crashed"), "").unwrap();

        let partial = Partial::new(&result).unwrap();
        fs::create_dir(partial.path()).unwrap();
        fs::write(partial.path().join("new"), "").unwrap();
        partial.finish().unwrap();

        let names: Vec<_> =
            fs::read_dir(&result).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["new"]);
        assert!(!folder.path().join("result.partial").exists());
    }

    #[test]
    fn a_file_is_only_written_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        assert!(write(&path, b"1").unwrap());
        assert!(!write(&path, b"1").unwrap());
        assert!(write(&path, b"2").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"2");
    }
}
