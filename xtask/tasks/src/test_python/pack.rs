//! Archives of the files in `Lib/test` that a test module needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Entries that every test module needs.
const ALWAYS: [&str; 2] = ["__init__", "support"];

/// The files and directories of `Lib/test`, by the name that tests refer to them by: without `.py`.
pub struct TestFiles {
    entries: BTreeMap<String, PathBuf>,
}

impl TestFiles {
    /// Reads `Lib/test` of the sources in `cpython`.
    pub fn read(cpython: &Path) -> Result<Self> {
        let directory = cpython.join("Lib/test");
        let mut entries = BTreeMap::new();
        for entry in directory
            .read_dir()
            .with_context(|| format!("reading {}", directory.display()))?
        {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = name.strip_suffix(".py").unwrap_or(&name).to_owned();
            entries.insert(name, entry.path());
        }
        Ok(Self { entries })
    }

    /// Returns the names of all test modules, sorted.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        let modules = self
            .entries
            .iter()
            .filter(|(name, path)| name.starts_with("test_") && is_module(path));
        modules.map(|(name, _)| name.as_str())
    }

    /// Returns a gzipped tar archive of `module`, of the files that every test needs, and of all that these
    /// refer to.
    pub fn pack(&self, module: &str) -> Result<Vec<u8>> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for name in self.needed(module)? {
            let path = &self.entries[&name];
            let inside = Path::new("test").join(path.file_name().unwrap_or_default());
            if path.is_dir() {
                archive.append_dir_all(inside, path)?;
            } else {
                archive.append_path_with_name(path, inside)?;
            }
        }
        Ok(archive.into_inner()?.finish()?)
    }

    /// Returns `module` and all entries that it refers to, directly or indirectly.
    fn needed(&self, module: &str) -> Result<BTreeSet<String>> {
        let mut needed = BTreeSet::new();
        let mut unread: Vec<String> = ALWAYS.map(str::to_owned).into();
        unread.push(module.to_owned());
        while let Some(name) = unread.pop() {
            if !needed.insert(name.clone()) {
                continue;
            }
            let path = &self.entries[&name];
            for file in python_files(path)? {
                let text = std::fs::read(&file)?;
                unread.extend(self.named_in(&String::from_utf8_lossy(&text)));
            }
        }
        Ok(needed)
    }

    /// Returns the entries that `text` refers to. The name of a Python module counts only on a line with an
    /// import, because it may also be an ordinary word. Packages may contain data.
    fn named_in(&self, text: &str) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for line in text.lines() {
            let imports = line.contains("import ") || line.contains("test.");
            let names = words(line, "_").chain(words(line, "_.").filter(|word| word.contains('.')));
            for name in names {
                let is_data = |path: &Path| {
                    !is_python(path) && (!name.starts_with("test_") || name.contains('.'))
                };
                let counts = |path: &Path| imports || is_data(path);
                if self.entries.get(name).is_some_and(|path| counts(path)) {
                    named.insert(name.to_owned());
                }
            }
        }
        named
    }
}

/// Splits `line` into words of letters, digits and `others`.
fn words<'a>(line: &'a str, others: &'a str) -> impl Iterator<Item = &'a str> {
    line.split(move |letter: char| !letter.is_alphanumeric() && !others.contains(letter))
}

fn is_module(path: &Path) -> bool {
    is_python(path) || path.join("__init__.py").exists()
}

fn is_python(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "py")
}

/// Returns the Python files at or below `path`.
fn python_files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(is_python(path)
            .then(|| path.to_owned())
            .into_iter()
            .collect());
    }
    let pattern = path.join("**/*.py");
    Ok(glob::glob(&pattern.to_string_lossy())?.collect::<Result<_, _>>()?)
}
