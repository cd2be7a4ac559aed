//! The directory that a run may write to. It is removed when the run is over.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// How the names of our directories start, so that leftovers can be told from other things.
const PREFIX: &str = "python-executor-";

/// Where scratch directories are made.
#[derive(Debug, Clone)]
pub struct ScratchRoot(PathBuf);

impl ScratchRoot {
    /// Makes directories in `root`, or in the system's directory for temporary files.
    ///
    /// # Errors
    /// When no directory can be made there.
    pub fn new(root: Option<&Path>) -> Result<Self> {
        let root = Self(root.map_or_else(std::env::temp_dir, Path::to_owned));
        root.make()
            .with_context(|| format!("{} cannot hold scratch directories", root.0.display()))?;
        Ok(root)
    }

    /// A new, empty directory that only this process may use.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn make(&self) -> std::io::Result<TempDir> {
        tempfile::Builder::new().prefix(PREFIX).tempdir_in(&self.0)
    }
}
