//! Where everything lies.
//!
//! ```text
//! build/
//!   download/    the package with rustc's source, as it came
//!   base/        that source, never touched
//!   src/         a copy of it with our files laid over; out/ is what its bootstrap builds
//!   pristine/    src/ and out/ once more, without our files (--pristine)
//!   mistaken/    and once more, with mistakes in our files (./x.py test --mistakes)
//!   stage1       a link to the finished sysroot
//!   series/      and once more, with the commits of the series up to one (./x.py check --series)
//!   export/      the patch series
//!   dist/        the archive for other machines
//!   async-size/  what that tool builds; other tools have a folder of their own, too
//!   tools/       our host tools, built
//! ```

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::config::Config;

/// This repository, with its settings.
pub struct Tree {
    root: PathBuf,
    pub config: Config,
}

/// One of the source trees that are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkout {
    /// With our files.
    Patched,
    /// Without them: what we measure against, and what the expected MIR of the default comes from.
    Pristine,
    /// With our files, and mistakes in them that async-fuzz has to find.
    Mistaken,
    /// With what the commits of the series up to one have of our files.
    Series,
}

impl Checkout {
    pub const ALL: [Checkout; 4] =
        [Checkout::Patched, Checkout::Pristine, Checkout::Mistaken, Checkout::Series];
}

impl Tree {
    /// The repository that this program was built from, with the settings read.
    pub fn open() -> Result<Tree> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .expect("src/bootstrap lies in the tree")
            .to_owned();
        let config = Config::read(&root.join("config.toml"))?;
        Ok(Tree { root, config })
    }

    /// A tree at `root`, for tests.
    #[cfg(test)]
    pub fn at(root: &Path) -> Tree {
        Tree { root: root.to_owned(), config: Config::default() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn build(&self) -> PathBuf {
        self.root.join("build")
    }

    /// The folder of `checkout` with its sources, its settings and what is built.
    fn home(&self, checkout: Checkout) -> PathBuf {
        match checkout {
            Checkout::Patched => self.build(),
            Checkout::Pristine => self.build().join("pristine"),
            Checkout::Mistaken => self.build().join("mistaken"),
            Checkout::Series => self.build().join("series"),
        }
    }

    /// The sources of `checkout`.
    pub fn sources(&self, checkout: Checkout) -> PathBuf {
        self.home(checkout).join("src")
    }

    /// What rustc's bootstrap builds of `checkout`.
    pub fn output(&self, checkout: Checkout) -> PathBuf {
        self.home(checkout).join("out")
    }

    /// The settings of rustc's bootstrap for `checkout`.
    pub fn bootstrap_config(&self, checkout: Checkout) -> PathBuf {
        self.home(checkout).join("bootstrap.toml")
    }

    /// The link to the finished sysroot of `checkout`.
    pub fn sysroot(&self, checkout: Checkout) -> PathBuf {
        self.home(checkout).join("stage1")
    }

    /// Keeps other runs of `x.py` out of `build/` until the file is dropped, and waits for one that
    /// is there.
    pub fn lock(&self) -> Result<File> {
        let path = self.build().join("lock");
        std::fs::create_dir_all(self.build())
            .and_then(|()| File::options().create(true).read(true).append(true).open(&path))
            .and_then(|mut file| {
                if file.try_lock().is_err() {
                    let mut process = String::new();
                    file.read_to_string(&mut process)?;
                    eprintln!("waiting for another ./x.py in this tree, process {process}");
                    file.lock()?;
                }
                file.set_len(0)?;
                write!(file, "{}", std::process::id())?;
                Ok(file)
            })
            .with_context(|| format!("locking {}", path.display()))
    }
}
