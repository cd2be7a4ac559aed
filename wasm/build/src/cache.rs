//! Products of the steps, each under a name that tells what it was made from.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use pinned::publish;

use crate::digest::{Fingerprint, NAME_LENGTH};

/// How long a product stays that no build uses.
const RETENTION: Duration = Duration::from_hours(7 * 24);

/// Returns what `make` makes of the things that `fingerprint` stands for; it is kept in `work` as `name-...`.
pub fn cached(
    work: &Path,
    name: &str,
    fingerprint: &Fingerprint,
    make: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    let path = work.join(format!("{name}-{}", fingerprint.name()));
    if path.exists() {
        mark_used(&path)?;
        return fs::read(&path).with_context(|| format!("reading {}", path.display()));
    }
    let bytes = make()?;
    publish(&path, &bytes)?;
    Ok(bytes)
}

/// Notes that the product at `path` is in use.
pub fn mark_used(path: &Path) -> Result<()> {
    let file = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
    file.with_context(|| format!("marking {}", path.display()))
}

/// Removes the products in `directory` that no build has used for long.
pub fn prune(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if !is_product(&name) || age < RETENTION {
            continue;
        }
        let path = entry.path();
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.with_context(|| format!("removing {}", path.display()))?;
    }
    Ok(())
}

/// Whether a file is named after a fingerprint.
fn is_product(name: &str) -> bool {
    let end = name.rsplit('-').next().unwrap_or_default();
    let digits = end.split('.').next().unwrap_or_default();
    digits.len() == NAME_LENGTH && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_products_are_removed() -> Result<()> {
        let work = tempfile::tempdir()?;
        let digits = "0123456789abcdef".repeat(2);
        let old = SystemTime::now() - 2 * RETENTION;
        let products = [
            format!("archive-{digits}"),
            format!("linked.wasm-{digits}"),
            format!("abstract-{digits}.o"),
        ];
        let others = ["ziglang-0.15.2".to_owned(), "inittab.c".to_owned()];
        for name in products.iter().chain(&others) {
            let file = File::create(work.path().join(name))?;
            file.set_modified(old)?;
        }
        mark_used(&work.path().join(&products[0]))?;
        prune(work.path())?;
        let left = |name: &&String| work.path().join(name).exists();
        assert_eq!(products.iter().filter(left).count(), 1);
        assert_eq!(others.iter().filter(left).count(), 2);
        Ok(())
    }
}
