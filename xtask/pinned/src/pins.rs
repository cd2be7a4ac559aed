//! `wasm/pins.toml`: the pinned downloads.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// All pinned downloads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// CPython's sources.
    pub cpython: SourceArchive,
    /// The C compiler.
    pub zig: Wheel,
    /// The sources of packages, by their names.
    #[serde(default)]
    pub archives: BTreeMap<String, SourceArchive>,
    /// Packages that generate sources of others, by their names.
    #[serde(default)]
    pub tools: BTreeMap<String, Wheel>,
}

/// An archive of sources.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceArchive {
    /// The version.
    pub version: String,
    /// Its name in download directories. Here and in addresses `{version}` stands for the version, `{series}` for its
    /// first two numbers.
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

impl SourceArchive {
    /// Returns the series of the version: its first two numbers.
    #[must_use]
    pub fn series(&self) -> &str {
        let dots = self.version.match_indices('.');
        let end = dots.map(|(at, _)| at).nth(1);
        &self.version[..end.unwrap_or(self.version.len())]
    }

    /// Puts the version and the series where the other texts name them.
    fn expand(&mut self) {
        let expanded = |text: &String| {
            text.replace("{version}", &self.version)
                .replace("{series}", self.series())
        };
        let file = expanded(&self.file);
        self.sources = self.sources.iter().map(expanded).collect();
        self.file = file;
    }
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
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut pins: Self = toml::from_str(text)?;
        pins.cpython.expand();
        pins.archives.values_mut().for_each(SourceArchive::expand);
        Ok(pins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_written_down_once() -> Result<()> {
        let pins = Pins::parse(
            "
            [cpython]
            version = '3.13.15'
            file = 'Python-{version}.tar.xz'
            sha256 = ''
            sources = ['https://example.com/{series}/{version}']
            [zig]
            package = 'ziglang'
            version = '1'
            sha256 = []
            ",
        )?;
        assert_eq!(pins.cpython.series(), "3.13");
        assert_eq!(pins.cpython.file, "Python-3.13.15.tar.xz");
        assert_eq!(pins.cpython.sources, ["https://example.com/3.13/3.13.15"]);
        Ok(())
    }
}
