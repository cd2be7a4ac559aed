//! Paths in the checkout.

use std::env;
use std::path::{Path, PathBuf, absolute};

/// Returns the root of the checkout.
#[must_use]
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package)
}

/// Returns cargo's target directory. `CARGO_TARGET_DIR` overrides the one in the checkout.
#[must_use]
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR").map(absolute) {
        Some(Ok(target)) => target,
        _ => root().join("target"),
    }
}
