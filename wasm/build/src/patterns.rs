//! Patterns of files.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::places::Places;

/// Returns the files that `patterns` name, in the order of the patterns, each once. A pattern starts from `directory`
/// or from the place that it names; one with `!` takes away.
pub fn matching(places: &Places, directory: &Path, patterns: &[String]) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for pattern in patterns {
        if let Some(pattern) = pattern.strip_prefix('!') {
            let pattern = glob::Pattern::new(&format!("*/{pattern}"))?;
            files.retain(|file| !pattern.matches_path(file));
            continue;
        }
        let before = files.len();
        let path = places.resolve(pattern, directory)?;
        for file in glob::glob(&path.to_string_lossy())? {
            let file = file?;
            if file.is_file() && !files.contains(&file) {
                files.push(file);
            }
        }
        ensure!(
            files.len() > before,
            "{pattern} matches nothing new in {}",
            directory.display()
        );
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_add_files_in_order_and_take_some_away() -> Result<()> {
        let root = tempfile::tempdir()?;
        for path in ["a/tests/x.py", "a/b.py", "a/c.py", "a/a.py"] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
            std::fs::write(path, "")?;
        }
        let mut places = Places::default();
        places.add("archive:a", root.path().join("a"));
        let matching = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
            super::matching(&places, root.path(), &patterns)
        };
        let names = ["c.py", "a.py", "b.py"].map(|name| root.path().join("a").join(name));
        assert_eq!(
            matching(&["a/c.py", "archive:a/**/*.py", "!tests/*"])?,
            names
        );
        assert!(matching(&["a/*.py", "a/b.py"]).is_err());
        Ok(())
    }
}
