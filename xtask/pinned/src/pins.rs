//! Reads `wasm/pins.toml`.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What is brought from outside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// CPython's sources.
    pub cpython: SourceArchive,
    /// The C compiler.
    pub zig: Wheel,
}

/// An archive of sources.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceArchive {
    /// The version, for people.
    pub version: String,
    /// Its name in download directories.
    pub file: String,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Addresses to try, in this order.
    pub sources: Vec<String>,
}

/// A package of Python's package index.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// Its name there.
    pub package: String,
    /// The version.
    pub version: String,
    /// The SHA-256 of its file, for each platform.
    pub sha256: Vec<String>,
}

impl Pins {
    /// Reads the pins in `wasm`.
    ///
    /// # Errors
    /// When the file is missing or malformed.
    pub fn read(wasm: &Path) -> Result<Self> {
        let path = wasm.join("pins.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }
}
