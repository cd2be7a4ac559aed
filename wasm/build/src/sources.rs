//! CPython's sources, unpacked and edited.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pinned::SourceArchive;
use serde::Deserialize;

use super::digest::Fingerprint;

/// A change to a file of CPython: what must be there, once, and what it becomes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    file: String,
    #[serde(rename = "why")]
    _why: String,
    find: String,
    replace: String,
}

impl Edit {
    /// The file that it changes.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// All that it consists of.
    pub fn parts(&self) -> [&str; 3] {
        [&self.file, &self.find, &self.replace]
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edits {
    edit: Vec<Edit>,
}

/// Unpacked sources.
pub struct Sources {
    /// Their root directory.
    pub root: PathBuf,
    archive: String,
    edits: Vec<Edit>,
}

impl Sources {
    /// Names the state of a source file and of all headers it may include.
    pub fn origin(&self, file: &Path) -> String {
        let mut fingerprint = Fingerprint::default();
        fingerprint.add(&self.archive);
        for edit in &self.edits {
            if file.ends_with(&edit.file) || edit.file.ends_with(".h") {
                fingerprint
                    .add(&edit.file)
                    .add(&edit.find)
                    .add(&edit.replace);
            }
        }
        fingerprint.name()
    }
}

/// The licenses of what CPython incorporates; the only thing that is needed of its documentation.
const LICENSES: &str = "Doc/license.rst";

/// Brings CPython's sources under `work`, with the edits of the directory `edits`.
pub fn fetch(
    archive: &SourceArchive,
    edits: &Path,
    downloads: Option<&Path>,
    work: &Path,
) -> Result<Sources> {
    let edits = read_edits(&files_of(edits)?)?;
    let mut fingerprint = Fingerprint::default();
    fingerprint.add(&archive.sha256).add(LICENSES);
    for edit in &edits {
        fingerprint
            .add(&edit.file)
            .add(&edit.find)
            .add(&edit.replace);
    }
    let fingerprint = fingerprint.name();
    let root = work.join(format!("cpython-{fingerprint}"));
    if !root.exists() {
        let packed = pinned::fetch(archive, downloads)?;
        let unpacked = tempfile::tempdir_in(work)?;
        unpack(&packed, unpacked.path())?;
        for edit in &edits {
            apply(edit, unpacked.path()).with_context(|| format!("editing {}", edit.file))?;
        }
        std::fs::rename(unpacked.keep(), &root)?;
    }
    Ok(Sources {
        root,
        archive: archive.sha256.clone(),
        edits,
    })
}

/// The files in `directory`, in the order of their names.
fn files_of(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = std::fs::read_dir(directory)
        .with_context(|| format!("reading {}", directory.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The edits of all `files`, in order.
pub fn read_edits(files: &[PathBuf]) -> Result<Vec<Edit>> {
    let mut edits = Vec::new();
    for path in files {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let file: Edits =
            toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        edits.extend(file.edit);
    }
    Ok(edits)
}

/// Unpacks a `.tar.xz` without its top directory and without documentation.
fn unpack(packed: &[u8], to: &Path) -> Result<()> {
    let mut archive = tar::Archive::new(lzma_rust2::XzReader::new(packed, true));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path: PathBuf = entry.path()?.components().skip(1).collect();
        let documentation = path.starts_with("Doc") && path != Path::new(LICENSES);
        if path.as_os_str().is_empty() || documentation {
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

fn apply(edit: &Edit, root: &Path) -> Result<()> {
    let path = root.join(&edit.file);
    let text = edited(edit, &std::fs::read_to_string(&path)?)?;
    Ok(std::fs::write(&path, text)?)
}

/// `text` with an edit.
pub fn edited(edit: &Edit, text: &str) -> Result<String> {
    match text.matches(&edit.find).count() {
        1 => Ok(text.replacen(&edit.find, &edit.replace, 1)),
        count => bail!(
            "the text to find is there {count} times, not once: {:?}",
            edit.find
        ),
    }
}
