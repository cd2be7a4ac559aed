//! Keeps what a step made, under a name that tells what it was made from.

use std::path::Path;

use anyhow::{Context, Result};
use pinned::publish;

use super::digest::Fingerprint;

/// What `make` makes of the things that `fingerprint` stands for; kept in `work` as `name-...`.
pub fn cached(
    work: &Path,
    name: &str,
    fingerprint: &Fingerprint,
    make: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    let path = work.join(format!("{name}-{}", fingerprint.name()));
    if path.exists() {
        return std::fs::read(&path).with_context(|| format!("reading {}", path.display()));
    }
    let bytes = make()?;
    publish(&path, &bytes)?;
    Ok(bytes)
}
