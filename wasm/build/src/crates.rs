//! The directories of crates, some of which carry C sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use pinned::checkout;
use serde::Deserialize;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

/// The directory of every crate that Cargo.lock pins.
pub struct Crates(BTreeMap<String, PathBuf>);

impl Crates {
    /// Asks cargo, which downloads what is missing.
    pub fn locate() -> Result<Self> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(checkout::root())
            .output()?;
        ensure!(
            output.status.success(),
            "cargo metadata failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
        let located = metadata.packages.into_iter().filter_map(|package| {
            let directory = package.manifest_path.parent()?.to_owned();
            Some((package.name, directory))
        });
        Ok(Self(located.collect()))
    }

    /// Returns a crate's directory.
    pub fn get(&self, name: &str) -> Result<&Path> {
        let directory = self.0.get(name);
        let directory = directory.with_context(|| format!("{name} is not in Cargo.lock"))?;
        Ok(directory)
    }
}
