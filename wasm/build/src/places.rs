//! Places: directories and files in the trees of sources, by names that are the same on every machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The trees, each with its name, such as `cpython:` or `crate:libz-sys`.
#[derive(Default)]
pub struct Places(Vec<(String, PathBuf)>);

impl Places {
    /// Adds the tree called `name`, which is at `path`.
    pub fn add(&mut self, name: impl Into<String>, path: impl Into<PathBuf>) {
        self.0.push((name.into(), path.into()));
        // Where one tree is inside of another, the inner one gives a file its name.
        self.0
            .sort_by_key(|(_, path)| std::cmp::Reverse(path.as_os_str().len()));
    }

    /// Returns the path of `place`: in the tree that its prefix names, or in `directory` if it has none.
    pub fn resolve(&self, place: &str, directory: &Path) -> Result<PathBuf> {
        let Some((kind, rest)) = place.split_once(':') else {
            return Ok(join(directory, place));
        };
        let (name, path) = match kind {
            "crate" | "archive" | "generated" => rest.split_once('/').unwrap_or((rest, "")),
            _ => ("", rest),
        };
        Ok(join(self.tree(&format!("{kind}:{name}"))?, path))
    }

    /// Returns the path of the tree called `name`.
    pub fn tree(&self, name: &str) -> Result<&Path> {
        let tree = self.0.iter().find(|(known, _)| known == name);
        let (_, path) = tree.with_context(|| format!("there are no sources called {name}"))?;
        Ok(path)
    }

    /// Returns the paths of all trees.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(_, path)| path.as_path())
    }

    /// Returns `text` with names in place of paths.
    pub fn named(&self, text: &str) -> String {
        let replace = |text: String, (name, path): &(String, PathBuf)| {
            text.replace(&*path.to_string_lossy(), name)
        };
        self.0.iter().fold(text.to_owned(), replace)
    }

    /// Returns `text`, which `named` has made, with paths in place of names.
    pub fn located(&self, text: &str) -> PathBuf {
        let tree = self.0.iter().find_map(|(name, path)| {
            let rest = text.strip_prefix(name.as_str())?;
            rest.strip_prefix('/').map(|rest| path.join(rest))
        });
        tree.unwrap_or_else(|| text.into())
    }

    /// Returns `text` with paths in place of the names of trees in braces.
    pub fn expanded(&self, text: &str) -> String {
        let replace = |text: String, (name, path): &(String, PathBuf)| {
            text.replace(&format!("{{{name}}}"), &path.to_string_lossy())
        };
        self.0.iter().fold(text.to_owned(), replace)
    }

    /// Returns flags that keep this machine's paths out of `__FILE__`.
    pub fn flags(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(name, path)| {
            let name = name.trim_end_matches(':').replace(':', "-");
            format!("-ffile-prefix-map={}={name}", path.display())
        })
    }
}

/// Joins paths, without a slash at the end where there is nothing to join.
fn join(directory: &Path, path: &str) -> PathBuf {
    if path.is_empty() {
        directory.to_owned()
    } else {
        directory.join(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        let mut places = Places::default();
        places.add("own:", "/w");
        places.add("cpython:", "/w/target/cpython");
        places.add("archive:numpy", "/numpy-1");
        places
    }

    #[test]
    fn a_prefix_names_a_tree() -> Result<()> {
        let places = places();
        let resolve = |place| places.resolve(place, Path::new("/here"));
        assert_eq!(resolve("a.c")?, Path::new("/here/a.c"));
        assert_eq!(resolve("own:a.c")?, Path::new("/w/a.c"));
        assert_eq!(
            resolve("archive:numpy/src/a.c")?,
            Path::new("/numpy-1/src/a.c")
        );
        assert_eq!(resolve("archive:numpy")?, Path::new("/numpy-1"));
        assert!(resolve("archive:pandas").is_err());
        assert!(resolve("archiv:numpy").is_err());
        Ok(())
    }

    #[test]
    fn names_stand_for_paths() {
        let places = places();
        let path = "/w/target/cpython/Include/Python.h";
        assert_eq!(places.named(path), "cpython:/Include/Python.h");
        assert_eq!(places.located(&places.named(path)), Path::new(path));
        assert_eq!(places.located("/usr/x.h"), Path::new("/usr/x.h"));
        assert_eq!(places.expanded("{archive:numpy}/x"), "/numpy-1/x");
    }
}
