//! The compiler's own wasi-libc, with the changes of `wasm/libc`.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cache::mark_used;
use crate::digest::Fingerprint;
use crate::edits::Edits;

/// The directory of the changes in `wasm`.
const CHANGES: &str = "libc";

/// Where wasi-libc lies in the compiler's directory of libraries.
const PLACE: &str = "libc";

/// A directory of libraries in which wasi-libc is changed.
pub struct Libc {
    /// Its path.
    pub directory: PathBuf,
    /// Names the changes.
    pub version: String,
}

/// Makes a copy of `libraries`, the compiler's directory of libraries, with a changed wasi-libc. All but the
/// changed files are links to the compiler's own.
pub fn change(libraries: &Path, wasm: &Path, work: &Path) -> Result<Libc> {
    let changes = wasm.join(CHANGES);
    let edits = Edits::read(&changes, &[])?;
    let mut replaced = BTreeMap::new();
    collect(&changes, &changes, &mut replaced)?;

    let mut fingerprint = Fingerprint::default();
    fingerprint.add(libraries.as_os_str().as_encoded_bytes());
    let mut version = Fingerprint::default();
    edits.add_to(&mut version);
    for (path, text) in &replaced {
        version.add(path.as_os_str().as_encoded_bytes()).add(text);
    }
    let version = version.name();
    let directory = work.join(format!("libc-{}", fingerprint.add(&version).name()));
    if !directory.exists() {
        let copy = tempfile::tempdir_in(work)?;
        let before = |path: &Path| match replaced.get(path) {
            Some(text) => Ok(text.clone()),
            None => read(&libraries.join(PLACE).join(path)),
        };
        let edited = edits.apply(before).context("editing wasi-libc")?;
        let mut files = replaced.clone();
        files.extend(edited);
        for (path, text) in files {
            replace(libraries, copy.path(), &Path::new(PLACE).join(path), &text)?;
        }
        std::fs::rename(copy.keep(), &directory)?;
    }
    mark_used(&directory)?;
    Ok(Libc { directory, version })
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Reads all files in directories below `root`, by their paths from there.
fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if directory != root {
            files.insert(path.strip_prefix(root)?.to_owned(), read(&path)?);
        }
    }
    Ok(())
}

/// Puts `text` at `path` in `copy`; the directories around it become real, with links to what is beside it.
fn replace(original: &Path, copy: &Path, path: &Path, text: &str) -> Result<()> {
    let parents: Vec<&Path> = path.ancestors().skip(1).collect();
    for parent in parents.into_iter().rev() {
        let directory = copy.join(parent);
        if directory.is_dir() && !directory.is_symlink() && directory.read_dir()?.next().is_some() {
            continue;
        }
        if directory.is_symlink() {
            std::fs::remove_file(&directory)?;
        }
        std::fs::create_dir_all(&directory)?;
        for entry in std::fs::read_dir(original.join(parent))? {
            let entry = entry?;
            symlink(entry.path(), directory.join(entry.file_name()))?;
        }
    }
    let file = copy.join(path);
    if file.is_symlink() {
        std::fs::remove_file(&file)?;
    }
    std::fs::write(&file, text).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: PathBuf, text: &str) -> Result<()> {
        std::fs::create_dir_all(path.parent().context("a file has a directory")?)?;
        Ok(std::fs::write(path, text)?)
    }

    #[test]
    fn changed_files_lie_among_links_to_all_others() -> Result<()> {
        let root = tempfile::tempdir()?;
        let (libraries, wasm) = (root.path().join("lib"), root.path().join("wasm"));
        for name in ["std/a", "libc/b", "libc/include/c.h", "libc/include/d.h"] {
            write(libraries.join(name), "before")?;
        }
        write(wasm.join("libc/include/d.h"), "replaced")?;
        let edit = |file: &str, find: &str| {
            format!(
                "[[group]]\nwhy = ''\n\
                 edit = [{{ file = '{file}', find = '{find}', replace = 'after' }}]\n"
            )
        };
        let edits = wasm.join("libc/edits.toml");
        write(edits.clone(), &edit("include/c.h", "before"))?;

        let libc = change(&libraries, &wasm, root.path())?;
        let text = |path: &str| std::fs::read_to_string(libc.directory.join(path));
        assert_eq!(text("libc/include/c.h")?, "after");
        assert_eq!(text("libc/include/d.h")?, "replaced");
        assert_eq!(text("libc/b")?, "before");
        assert!(libc.directory.join("std").is_symlink());
        assert_eq!(read(&libraries.join("libc/include/d.h"))?, "before");

        write(edits, &edit("include/c.h", "not there"))?;
        assert!(change(&libraries, &wasm, root.path()).is_err());
        Ok(())
    }
}
