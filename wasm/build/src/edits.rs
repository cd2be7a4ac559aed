//! Changes to sources that are not ours: edits and patches, in groups that say why.
//!
//! A file of changes is a set, which may be optional. Each of its groups has one reason and, where there is one,
//! a link to the same upstream.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::digest::Fingerprint;
use crate::patch;

/// A change to a file: a text that must be there exactly once, and its replacement.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The file, from the root of the sources.
    pub file: String,
    /// The purpose of this edit, where the group's reason leaves it open.
    pub why: Option<String>,
    /// The text to find.
    pub find: String,
    /// The text in its place.
    pub replace: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    /// Whether the build may go without it.
    #[serde(default)]
    optional: bool,
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// The reason.
    why: String,
    /// Where the change was proposed, or made, upstream.
    #[serde(rename = "upstream")]
    _upstream: Option<String>,
    /// A patch beside the file: a unified diff, of which each hunk is an edit.
    patch: Option<String>,
    #[serde(default)]
    edit: Vec<Edit>,
}

/// Edits in the order in which they are applied.
#[derive(Default)]
pub struct Edits {
    /// Each with the reason of its group.
    edits: Vec<(String, Edit)>,
}

impl Edits {
    /// Reads the sets in `directory`, in the order of their names, but not those called `without`, which must
    /// be optional. A directory that is not there has none.
    pub fn read(directory: &Path, without: &[String]) -> Result<Self> {
        let pattern = directory.join("*.toml");
        let mut found = Self::default();
        for name in without {
            let set = directory.join(format!("{name}.toml"));
            ensure!(set.exists(), "there is no set of edits called {name}");
        }
        for path in glob::glob(&pattern.to_string_lossy())? {
            let path = path?;
            let set = read_set(&path).with_context(|| format!("in {}", path.display()))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            if without.iter().any(|without| *without == name) {
                ensure!(
                    set.optional,
                    "the edits in {} are not optional",
                    path.display()
                );
                continue;
            }
            for group in set.group {
                found.add(group, directory)?;
            }
        }
        Ok(found)
    }

    fn add(&mut self, group: Group, directory: &Path) -> Result<()> {
        let mut edits = Vec::new();
        if let Some(patch) = &group.patch {
            let path = directory.join(patch);
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("reading {}", path.display()))?;
            let hunks = patch::hunks(&text).with_context(|| format!("in {}", path.display()))?;
            edits.extend(hunks.into_iter().map(|hunk| Edit {
                file: hunk.file,
                why: None,
                find: hunk.old,
                replace: hunk.new,
            }));
        }
        edits.extend(group.edit);
        let reason = |edit: Edit| (edit.why.clone().unwrap_or_else(|| group.why.clone()), edit);
        self.edits.extend(edits.into_iter().map(reason));
        Ok(())
    }

    /// Adds all that the edits do to `fingerprint`.
    pub fn add_to(&self, fingerprint: &mut Fingerprint) {
        for (_, edit) in &self.edits {
            fingerprint
                .add(&edit.file)
                .add(&edit.find)
                .add(&edit.replace);
        }
    }

    /// Returns the edited files by their paths. `read` returns a file before all edits. All edits are tried; the
    /// error names each that does not fit.
    pub fn apply(
        &self,
        mut read: impl FnMut(&Path) -> Result<String>,
    ) -> Result<BTreeMap<PathBuf, String>> {
        let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
        let mut failures = Vec::new();
        for (reason, edit) in &self.edits {
            let path = PathBuf::from(&edit.file);
            let before = match files.get(&path) {
                Some(text) => Ok(text.clone()),
                None => read(&path),
            };
            match before.and_then(|text| edit.apply(&text)) {
                Ok(text) => {
                    files.insert(path, text);
                }
                Err(error) => failures.push(format!("{}: {error:#}\n  ({reason})", edit.file)),
            }
        }
        if failures.is_empty() {
            return Ok(files);
        }
        let mut message = format!(
            "{} of {} edits do not fit:",
            failures.len(),
            self.edits.len()
        );
        for failure in failures {
            write!(message, "\n\n{failure}")?;
        }
        bail!(message)
    }
}

impl Edit {
    /// Returns `text` with the edit.
    fn apply(&self, text: &str) -> Result<String> {
        match text.matches(&self.find).count() {
            1 => Ok(text.replacen(&self.find, &self.replace, 1)),
            count => bail!(
                "the text to find is there {count} times, not once:\n{}",
                self.find
            ),
        }
    }
}

fn read_set(path: &Path) -> Result<Set> {
    Ok(toml::from_str(&std::fs::read_to_string(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a set and reads it.
    fn edits(text: &str, without: &[&str]) -> Result<Edits> {
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join("set.toml"), text)?;
        std::fs::write(
            directory.path().join("a.patch"),
            "--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-two\n+three\n",
        )?;
        let without: Vec<String> = without.iter().map(|name| (*name).to_owned()).collect();
        Edits::read(directory.path(), &without)
    }

    fn apply(edits: &Edits) -> Result<BTreeMap<PathBuf, String>> {
        edits.apply(|path| match path.to_str() {
            Some("a.c") => Ok("one\n".into()),
            _ => bail!("there is no such file"),
        })
    }

    const SET: &str = "
        optional = true
        [[group]]
        why = 'Because.'
        edit = [{ file = 'a.c', find = 'one', replace = 'two' }]
        [[group]]
        why = 'Therefore.'
        patch = 'a.patch'
    ";

    #[test]
    fn edits_and_patches_are_applied_in_order() -> Result<()> {
        let files = apply(&edits(SET, &[])?)?;
        assert_eq!(files[Path::new("a.c")], "three\n");
        Ok(())
    }

    #[test]
    fn only_optional_sets_can_be_left_out() -> Result<()> {
        assert!(apply(&edits(SET, &["set"])?)?.is_empty());
        let required = SET.replace("optional = true", "");
        assert!(edits(&required, &["set"]).is_err());
        Ok(())
    }

    #[test]
    fn every_edit_that_does_not_fit_is_named() -> Result<()> {
        let set = "
            [[group]]
            why = 'Because.'
            edit = [
                { file = 'a.c', find = 'none', replace = '' },
                { file = 'a.c', find = 'one', replace = 'two' },
                { file = 'b.c', find = 'one', replace = '', why = 'Therefore.' },
            ]";
        let error = apply(&edits(set, &[])?).err().context("they do not fit")?;
        let message = error.to_string();
        for part in [
            "2 of 3",
            "a.c: ",
            "0 times",
            "(Because.)",
            "b.c: ",
            "(Therefore.)",
        ] {
            assert!(message.contains(part), "{message}");
        }
        Ok(())
    }
}
