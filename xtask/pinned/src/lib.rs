//! Pinned downloads: the sources of CPython and packages of Python's package index, each checked against
//! its SHA-256.
//!
//! This is a package of its own with few dependencies, so that a failing download is noticed before the
//! minutes that compiling the other packages takes.

pub mod checkout;
mod command;
mod download;
mod pins;
pub mod progress;
mod wheel;

use std::env;
use std::fmt::Write;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

pub use command::{output, run};
pub use download::fetch;
pub use pins::{Pins, SourceArchive, Wheel};
pub use wheel::{install, pip_install};

/// The environment variable with a directory that is searched before anything is downloaded.
pub const DOWNLOADS: &str = "PYTHON_EXECUTOR_DOWNLOADS";

/// Returns the directory that [`DOWNLOADS`] names.
#[must_use]
pub fn downloads() -> Option<PathBuf> {
    env::var_os(DOWNLOADS).map(Into::into)
}

/// Returns the SHA-256 of `bytes`, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Returns `bytes` in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Writes `bytes` to `path` atomically.
///
/// # Errors
/// When the file cannot be written.
pub fn publish(path: &Path, bytes: &[u8]) -> Result<()> {
    let directory = path.parent().context("a file has a directory")?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    std::io::Write::write_all(&mut file, bytes)?;
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))?;
    file.persist(path)
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(())
}

/// Downloads everything that is pinned in the directory `wasm`: sources to the user's cache, packages of
/// Python's package index to `work`.
///
/// # Errors
/// When a download fails.
pub fn fetch_all(wasm: &Path, work: &Path) -> Result<()> {
    let pins = Pins::read(wasm)?;
    let downloads = downloads();
    fs::create_dir_all(work)?;
    for archive in [&pins.cpython].into_iter().chain(pins.archives.values()) {
        fetch(archive, downloads.as_deref())?;
        println!("{} is here.", archive.file);
    }
    for wheel in [&pins.zig].into_iter().chain(pins.tools.values()) {
        install(wheel, downloads.as_deref(), work)?;
        println!("{} {} is here.", wheel.package, wheel.version);
    }
    Ok(())
}
