//! Keeps what a step made, under a name that tells what it was made from.

use std::path::Path;

use anyhow::{Context, Result};

use super::digest::Fingerprint;
use super::publish;

/// What `make` makes of the things that `fingerprint` stands for; kept in `work` as `name-...`.
///
/// # Errors
/// Those of `make`, and of reading and writing.
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
