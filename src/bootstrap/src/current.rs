//! Whether what was built is what would be built now.
//!
//! Each call of rustc's bootstrap takes the sysroot apart and puts it together again. Meanwhile no
//! toolchain that leads there compiles anything, so bootstrap is not called for nothing. A stamp
//! beside what was built is as old as the beginning of the last build that came to its end, and
//! another call of bootstrap removes it. All that bootstrap builds from has to be older: sources
//! and settings. An LLVM or a stage 0 that is replaced in its place is not seen; `./x.py clean`
//! makes sure.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use walkdir::WalkDir;

use crate::partial::{self, Partial};

/// What a compiler and its libraries are built from, in their source tree.
const SOURCES: [&str; 5] = ["compiler", "library", "src/bootstrap", "src/stage0", "src/version"];

/// The build that `stamp` will stand for, once it is finished.
pub struct Stamp(Partial);

impl Stamp {
    /// Begins a build: until it is finished, nothing is current.
    pub fn begin(stamp: &Path) -> Result<Stamp> {
        partial::remove(stamp)?;
        let begun = Partial::new(stamp)?;
        std::fs::write(begun.path(), "")
            .with_context(|| format!("writing {}", begun.path().display()))?;
        Ok(Stamp(begun))
    }

    /// Ends it, with all built.
    pub fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

/// Whether nothing in `sources`, nor the file with the `settings`, has changed since the build of
/// the `stamp` began. It has if that cannot be told.
pub fn is_current(stamp: &Path, sources: &Path, settings: &Path) -> bool {
    let changed = |path: &Path| std::fs::symlink_metadata(path).and_then(|it| it.modified());
    let Ok(begun) = changed(stamp) else { return false };
    let is_older = |time: std::io::Result<SystemTime>| time.is_ok_and(|time| time < begun);
    // A folder changes when something is added to it or taken out.
    let mut files = SOURCES.iter().flat_map(|part| WalkDir::new(sources.join(part)));
    is_older(changed(settings))
        && files.all(|entry| entry.is_ok_and(|entry| is_older(changed(entry.path()))))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_changes_after_a_build_began_is_not_built() {
        let folder = tempfile::tempdir().unwrap();
        let [stamp, settings] = ["out/built", "settings"].map(|name| folder.path().join(name));
        fs::write(&settings, "").unwrap();
        for part in SOURCES {
            fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        let is_current = || is_current(&stamp, folder.path(), &settings);
        let build = || {
            // The times of files may be no finer than this.
            std::thread::sleep(Duration::from_millis(20));
            let begun = Stamp::begin(&stamp).unwrap();
            assert!(!is_current());
            begun
        };
        let touch = |path: &Path| {
            std::thread::sleep(Duration::from_millis(20));
            fs::write(path, "").unwrap();
        };
        assert!(!is_current());

        build().finish().unwrap();
        assert!(is_current());
        drop(build());
        assert!(!is_current(), "it failed");

        let source = folder.path().join("compiler/some/lib.rs");
        fs::create_dir_all(source.parent().unwrap()).unwrap();
        build().finish().unwrap();
        touch(&source);
        assert!(!is_current(), "a file is new");
        build().finish().unwrap();
        touch(&source);
        assert!(!is_current(), "a file has changed");
        build().finish().unwrap();
        touch(&settings);
        assert!(!is_current(), "the settings have changed");
        let during = build();
        touch(&source);
        during.finish().unwrap();
        assert!(!is_current(), "a file has changed meanwhile");
        build().finish().unwrap();
        assert!(is_current());
        std::thread::sleep(Duration::from_millis(20));
        fs::remove_file(&source).unwrap();
        assert!(!is_current(), "a file is gone");
    }
}
