//! Writing a toolchain down, so that the same one gives the same bytes: in the order of the paths,
//! with one time, and without users.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tar::{Builder, EntryType, Header};
use zstd::Encoder;

use crate::base;
use crate::dist::Manifest;
use crate::dist::toolchain::{Entry, Toolchain};
use crate::partial::Partial;

/// How hard zstd tries. More makes little difference: 15 saves 4 %, and takes five times as long.
const LEVEL: i32 = 9;

/// How far zstd looks back, as a power of two: as far as it goes for programs that unpack without
/// being told.
const WINDOW: u32 = 27;

/// Packs `toolchain` into `folder`, in place of all that was there: the archive, its sha256 in the
/// form that sha256sum reads, and its manifest, which becomes whole by the hashes of the files.
/// `time` is that of every file in it, in seconds since 1970. Returns the path of the archive, and
/// its sha256.
pub fn write(
    toolchain: &Toolchain,
    mut manifest: Manifest,
    time: u64,
    folder: &Path,
) -> Result<(PathBuf, String)> {
    let name = format!("{}.tar.zst", manifest.name);
    let partial = Partial::new(folder)?;
    fs::create_dir(partial.path())?;
    let archive = partial.path().join(&name);
    {
        let _progress = base::working(&format!("packing {name}"));
        let file = File::create(&archive)?;
        pack(toolchain, &mut manifest, time, file)
            .with_context(|| format!("writing {}", archive.display()))?;
    }
    let sha256 = base::sha256_of(&archive)?;
    let beside = |ending: &str| partial.path().join(format!("{}.{ending}", manifest.name));
    fs::write(beside("tar.zst.sha256"), format!("{sha256}  {name}\n"))?;
    fs::write(beside("toml"), text_of(&manifest))?;
    partial.finish()?;
    Ok((folder.join(name), sha256))
}

fn text_of(manifest: &Manifest) -> String {
    toml::to_string_pretty(manifest).expect("a manifest can be written")
}

/// Writes the archive to `out`, and the hashes of its files to `manifest`.
fn pack(toolchain: &Toolchain, manifest: &mut Manifest, time: u64, out: impl Write) -> Result<()> {
    let mut encoder = Encoder::new(out, LEVEL)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(WINDOW)?;
    encoder.include_checksum(true)?;
    // Any number of threads gives the same bytes, but none gives others.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    encoder.multithread(threads.try_into()?)?;

    let mut archive = Archive { tar: Builder::new(encoder), top: manifest.name.clone(), time };
    manifest.files = BTreeMap::new();
    for (path, entry) in &toolchain.entries {
        match entry.content()? {
            Some((content, executable)) => {
                manifest.files.insert(path.clone(), base::sha256(&content));
                archive.file(path, &content, executable)?;
            }
            None => {
                let Entry::Link(target) = entry else { unreachable!("all else has content") };
                archive.link(path, target)?;
            }
        }
    }
    let text = text_of(manifest);
    archive.file("manifest.toml", text.as_bytes(), false)?;
    let sum = |(path, hash): (&String, &String)| format!("{hash}  {path}\n");
    let mut sums: String = manifest.files.iter().map(sum).collect();
    sums += &format!("{}  manifest.toml\n", base::sha256(text.as_bytes()));
    archive.file("SHA256SUMS", sums.as_bytes(), false)?;
    archive.tar.into_inner()?.finish()?;
    Ok(())
}

/// An archive in the making.
struct Archive<W: Write> {
    tar: Builder<W>,
    /// The folder that all is in.
    top: String,
    time: u64,
}

impl<W: Write> Archive<W> {
    fn file(&mut self, path: &str, content: &[u8], executable: bool) -> Result<()> {
        let mut header = self.header(if executable { 0o755 } else { 0o644 });
        header.set_size(content.len() as u64);
        let path = format!("{}/{path}", self.top);
        self.tar.append_data(&mut header, &path, content).context(path)
    }

    fn link(&mut self, path: &str, target: &str) -> Result<()> {
        let mut header = self.header(0o777);
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        let path = format!("{}/{path}", self.top);
        self.tar.append_link(&mut header, &path, target).context(path)
    }

    fn header(&self, mode: u32) -> Header {
        let mut header = Header::new_gnu();
        header.set_mode(mode);
        header.set_mtime(self.time);
        header.set_uid(0);
        header.set_gid(0);
        header
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::command;
    use crate::dist::toolchain::tests::{Fixture, HOST};

    /// Packs the toolchain of `fixture` into its folder `dist`.
    fn packed(fixture: &Fixture) -> (PathBuf, String) {
        let manifest = Manifest { name: String::from("lean"), ..Default::default() };
        write(&fixture.toolchain().unwrap(), manifest, 1_000_000, &fixture.path("dist")).unwrap()
    }

    /// Unpacks `archive` in `folder`, and returns the top folder there.
    fn unpack(archive: &Path, folder: &Path) -> PathBuf {
        let decoder = zstd::Decoder::new(File::open(archive).unwrap()).unwrap();
        tar::Archive::new(decoder).unpack(folder).unwrap();
        folder.join("lean")
    }

    #[test]
    fn what_is_unpacked_elsewhere_runs_with_its_own_libraries() {
        let fixture = Fixture::new();
        let (archive, _) = packed(&fixture);
        for folder in ["machine", "sysroot"] {
            fs::rename(fixture.path(folder), fixture.path("gone")).unwrap();
            fs::remove_dir_all(fixture.path("gone")).unwrap();
        }
        let top = unpack(&archive, &fixture.path("elsewhere"));
        for program in ["bin/rustc", &format!("lib/rustlib/{HOST}/bin/llvm-size")] {
            let status = command::status(&mut Command::new(top.join(program))).unwrap();
            assert_eq!(status.code(), Some(42), "{program}");
        }
    }

    #[test]
    fn every_file_has_its_hash_in_the_manifest_and_for_sha256sum() {
        let fixture = Fixture::new();
        let (archive, sha256) = packed(&fixture);
        let top = unpack(&archive, &fixture.path("elsewhere"));
        let check = |folder: &Path, sums: &str| {
            let mut sha256sum = Command::new("sha256sum");
            let checked = command::output(sha256sum.arg("--check").arg(sums).current_dir(folder));
            checked.map(|checked| checked.lines().count())
        };
        let manifest = fs::read_to_string(top.join("manifest.toml")).unwrap();
        assert_eq!(fs::read_to_string(fixture.path("dist/lean.toml")).unwrap(), manifest);
        let manifest: toml::Table = toml::from_str(&manifest).unwrap();
        let files = manifest["files"].as_table().unwrap();
        for (path, hash) in files {
            assert_eq!(hash.as_str().unwrap(), base::sha256_of(&top.join(path)).unwrap());
        }
        // All but the link, and the manifest, which cannot have its own.
        assert_eq!(files.len(), fixture.toolchain().unwrap().entries.len() - 1);
        assert_eq!(check(&top, "SHA256SUMS").unwrap(), files.len() + 1);
        fs::write(top.join("lib/llvm/libdeep.so"), "another").unwrap();
        assert!(check(&top, "SHA256SUMS").is_err());

        assert_eq!(check(&fixture.path("dist"), "lean.tar.zst.sha256").unwrap(), 1);
        assert_eq!(base::sha256_of(&archive).unwrap(), sha256);
    }

    #[test]
    fn the_same_toolchain_gives_the_same_bytes() {
        let fixture = Fixture::new();
        let (archive, sha256) = packed(&fixture);
        let bytes = fs::read(&archive).unwrap();
        // Files that are written anew, by another user perhaps, have another time.
        let rlib = format!("sysroot/lib/rustlib/{HOST}/lib/libcore-1.rlib");
        fs::remove_file(fixture.path(&rlib)).unwrap();
        fixture.put(&rlib, "the core of the host");
        assert_eq!(packed(&fixture), (archive.clone(), sha256));
        assert!(fs::read(&archive).unwrap() == bytes);
    }

    #[test]
    fn entries_are_sorted_and_tell_nothing_of_this_machine() {
        let fixture = Fixture::new();
        let (archive, _) = packed(&fixture);
        let decoder = zstd::Decoder::new(File::open(archive).unwrap()).unwrap();
        let mut paths = Vec::new();
        for entry in tar::Archive::new(decoder).entries().unwrap() {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), 1_000_000);
            let executable = header.mode().unwrap() & 0o111 != 0;
            assert!(executable || !path.contains("/bin/"), "{path}");
            paths.push(path);
        }
        assert_eq!(paths.split_off(paths.len() - 2), ["lean/manifest.toml", "lean/SHA256SUMS"]);
        assert!(paths.is_sorted() && paths.len() > 2);
    }

    #[test]
    fn an_archive_takes_the_place_of_the_one_before() {
        let fixture = Fixture::new();
        fixture.put("dist/old.tar.zst", "old");
        packed(&fixture);
        let files = fs::read_dir(fixture.path("dist")).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["lean.tar.zst", "lean.tar.zst.sha256", "lean.toml"]);
    }
}
