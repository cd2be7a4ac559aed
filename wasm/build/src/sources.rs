//! Trees of sources: pinned archives, unpacked and edited.
//!
//! An archive is unpacked once. The edited tree beside it has links to the files of the unpacked one, and files of its
//! own where there are edits, so that another edit costs little.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use pinned::SourceArchive;

use crate::cache::mark_used;
use crate::digest::Fingerprint;
use crate::edits::Edits;

/// Brings the sources in `archive`, called `name`, under `work` with `edits`, and returns their directory.
pub fn fetch(
    name: &str,
    archive: &SourceArchive,
    edits: &Edits,
    downloads: Option<&Path>,
    work: &Path,
) -> Result<PathBuf> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.add(&archive.sha256);
    let original = work.join(format!("{name}-{}", fingerprint.name()));
    if !original.exists() {
        let packed = pinned::fetch(archive, downloads)?;
        let unpacked = tempfile::tempdir_in(work)?;
        unpack(&archive.file, &packed, unpacked.path())?;
        std::fs::rename(unpacked.keep(), &original)?;
    }
    mark_used(&original)?;
    edits.add_to(&mut fingerprint);
    let edited = work.join(format!("{name}-edited-{}", fingerprint.name()));
    if !edited.exists() {
        let read = |path: &Path| {
            let path = original.join(path);
            std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
        };
        let files = edits
            .apply(read)
            .with_context(|| format!("editing {name}"))?;
        let copy = tempfile::tempdir_in(work)?;
        link_all(&original, copy.path())?;
        for (path, text) in files {
            let path = copy.path().join(path);
            std::fs::remove_file(&path)?;
            std::fs::write(&path, text)?;
        }
        std::fs::rename(copy.keep(), &edited)?;
    }
    mark_used(&edited)?;
    Ok(edited)
}

/// Unpacks a `.tar.xz` or `.tar.gz` without its top directory.
fn unpack(file: &str, packed: &[u8], to: &Path) -> Result<()> {
    let reader: Box<dyn std::io::Read> = if file.ends_with(".gz") {
        Box::new(GzDecoder::new(packed))
    } else {
        Box::new(lzma_rust2::XzReader::new(packed, true))
    };
    for entry in tar::Archive::new(reader).entries()? {
        let mut entry = entry?;
        let path: PathBuf = entry.path()?.components().skip(1).collect();
        if path.as_os_str().is_empty() {
            continue;
        }
        let target = to.join(&path);
        if let Some(directory) = target.parent() {
            std::fs::create_dir_all(directory)?;
        }
        entry
            .unpack(&target)
            .with_context(|| format!("unpacking {}", path.display()))?;
    }
    Ok(())
}

/// Makes hard links to all files in `from` at the same paths in `to`.
fn link_all(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_all(&entry.path(), &target)?;
        } else {
            std::fs::hard_link(entry.path(), &target)
                .with_context(|| format!("linking {}", entry.path().display()))?;
        }
    }
    Ok(())
}
