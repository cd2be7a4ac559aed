//! Packages of Python's package index, pinned by their digests.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Wheel, run};

/// Installs a package into a directory of its own under `work`, unless it is there, and returns the directory.
///
/// # Errors
/// When pip cannot install it, or its digest is wrong.
pub fn install(pin: &Wheel, downloads: Option<&Path>, work: &Path) -> Result<PathBuf> {
    let installed = work.join(format!("{}-{}", pin.package, pin.version));
    if !installed.exists() {
        let target = tempfile::tempdir_in(work)?;
        install_into(target.path(), pin, downloads)?;
        std::fs::rename(target.keep(), &installed)?;
    }
    Ok(installed)
}

fn install_into(target: &Path, pin: &Wheel, downloads: Option<&Path>) -> Result<()> {
    let mut requirement = format!("{}=={}", pin.package, pin.version);
    for digest in &pin.sha256 {
        write!(requirement, " --hash=sha256:{digest}")?;
    }
    let requirements = target.join("requirements.txt");
    std::fs::write(&requirements, requirement)?;
    let mut pip = pip_install(Path::new("python3"));
    pip.args([
        "--no-deps",
        "--no-compile",
        "--only-binary=:all:",
        "--require-hashes",
    ])
    .arg("--target")
    .arg(target)
    .arg("--requirement")
    .arg(&requirements);
    if let Some(downloads) = downloads {
        pip.arg("--find-links").arg(downloads);
    }
    run(&mut pip).with_context(|| format!("installing {} {} with pip", pin.package, pin.version))
}

/// Returns a command that installs packages with the pip of this Python.
#[must_use]
pub fn pip_install(python: &Path) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install"])
        .args(["--quiet", "--disable-pip-version-check"]);
    pip
}
