//! Where the crates lie that carry C sources.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

/// Every crate that Cargo.lock pins, with its version and its directory.
pub struct Crates(BTreeMap<String, (PathBuf, String)>);

impl Crates {
    /// Asks cargo, which downloads what is missing.
    pub fn locate() -> Result<Self> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(super::checkout())
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
            Some((package.name, (directory, package.version)))
        });
        Ok(Self(located.collect()))
    }

    /// A crate's directory and version.
    pub fn get(&self, name: &str) -> Result<(&PathBuf, &str)> {
        let (directory, version) = self
            .0
            .get(name)
            .with_context(|| format!("{name} is not in Cargo.lock"))?;
        Ok((directory, version))
    }
}
