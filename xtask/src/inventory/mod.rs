//! What the container's image holds: each piece of software with its version and its license. From it come
//! the bill of materials and the license texts that lie in the image.

mod bill;
mod crates;
mod libraries;
mod notices;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use self::crates::Crates;
use crate::fetch_python;
use crate::project;

/// What can be said on the command line.
#[derive(clap::Args)]
pub struct Options {
    /// Where to write the bill of materials (CycloneDX 1.5, JSON) [default: sbom.cdx.json in cargo's target
    /// directory].
    #[arg(long)]
    output: Option<PathBuf>,
    /// Also collect the license texts in this directory.
    #[arg(long)]
    licenses: Option<PathBuf>,
}

/// One piece of software.
struct Part {
    /// Its name, unique together with the version.
    name: String,
    version: String,
    /// An SPDX expression, or words where there is none.
    license: String,
    /// The type of its package URL.
    kind: &'static str,
    /// The name under which databases of vulnerabilities know it.
    cpe: Option<String>,
    /// The texts of its license, by file name.
    texts: Vec<(String, Vec<u8>)>,
    /// Whether it is in `python.cwasm`, not in the program.
    in_python: bool,
    /// Names and versions of the crates that it depends on.
    needs: Vec<(String, String)>,
}

/// Writes the bill of materials, and the license texts if they are wanted.
pub fn run(options: &Options) -> Result<()> {
    fetch_python::run(&fetch_python::Options::default())?;
    let output = match &options.output {
        Some(path) => project::root().join(path),
        None => project::target().join("sbom.cdx.json"),
    };
    write_bill(&output)?;
    if let Some(directory) = &options.licenses {
        write_licenses(&project::root().join(directory))?;
    }
    Ok(())
}

/// Writes the bill of materials to `path`.
pub fn write_bill(path: &Path) -> Result<()> {
    let bill = bill::of(&take()?)?;
    std::fs::write(path, bill).with_context(|| format!("writing {}", path.display()))?;
    println!("The bill of materials is in {}.", path.display());
    Ok(())
}

/// Collects the license texts in `directory`, which is made anew.
pub fn write_licenses(directory: &Path) -> Result<()> {
    notices::write(&take()?, directory)?;
    println!("The license texts are in {}.", directory.display());
    Ok(())
}

/// Looks at all there is.
fn take() -> Result<Vec<Part>> {
    let crates = Crates::look()?;
    let mut parts = crates.parts()?;
    parts.extend(libraries::parts(&crates)?);
    Ok(parts)
}
