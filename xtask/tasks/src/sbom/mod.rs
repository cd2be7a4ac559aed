//! The SBOM and the license texts of the container's image.

mod crates;
mod cyclonedx;
mod libraries;
mod notices;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use self::crates::Crates;
use crate::project;
use crate::python;

/// Command-line options.
#[derive(clap::Args)]
pub struct Options {
    /// The file to write the SBOM to (CycloneDX 1.5, JSON).
    #[arg(long, default_value = project::target().join("sbom.cdx.json").into_os_string())]
    output: PathBuf,
    /// Also collect the license texts in this directory.
    #[arg(long)]
    licenses: Option<PathBuf>,
}

/// One piece of software.
struct Part {
    /// Its name, unique together with the version.
    name: String,
    version: String,
    /// An SPDX expression, or free text where there is none.
    license: String,
    /// The type in its package URL.
    kind: &'static str,
    /// Its CPE name, by which vulnerability databases identify it.
    cpe: Option<String>,
    /// The texts of its license, by file name.
    texts: Vec<(String, Vec<u8>)>,
    /// Whether it is in `python.cwasm`, not in the program.
    in_python: bool,
    /// Names and versions of the crates that it depends on.
    needs: Vec<(String, String)>,
}

/// Writes the SBOM and, on request, the license texts.
pub fn run(options: &Options) -> Result<()> {
    python::build()?;
    write_sbom(&project::root().join(&options.output))?;
    if let Some(directory) = &options.licenses {
        write_licenses(&project::root().join(directory))?;
    }
    Ok(())
}

/// Writes the SBOM to `path`.
pub fn write_sbom(path: &Path) -> Result<()> {
    let sbom = cyclonedx::to_json(&parts()?)?;
    std::fs::write(path, sbom).with_context(|| format!("writing {}", path.display()))?;
    println!("The SBOM is in {}.", path.display());
    Ok(())
}

/// Writes the license texts to `directory`, which is cleared first.
pub fn write_licenses(directory: &Path) -> Result<()> {
    notices::write(&parts()?, directory)?;
    println!("The license texts are in {}.", directory.display());
    Ok(())
}

/// Lists all software in the image.
fn parts() -> Result<Vec<Part>> {
    let crates = Crates::read()?;
    let mut parts = crates.parts()?;
    parts.extend(libraries::parts(&crates)?);
    Ok(parts)
}
