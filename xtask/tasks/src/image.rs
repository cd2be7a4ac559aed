//! The files of the container image: the statically linked service, the interpreter, their licenses and SBOM.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::client::Client;
use crate::service::Service;
use crate::{project, python, sbom};

/// The user of the image, as in the Dockerfile.
const USER: &str = "65532:65532";

/// Uses all that a run needs of the machine: random numbers, the temporary directory, clocks, time zones.
const PROBE: &str = "
import datetime, pathlib, secrets, time, zoneinfo
def main():
    pathlib.Path('file').write_text(secrets.token_hex())
    time.sleep(0.001)
    return datetime.datetime(2000, 1, 1, tzinfo=zoneinfo.ZoneInfo('Asia/Tokyo')).hour
";

/// Command-line options.
#[derive(clap::Args)]
pub struct Options {
    /// The directory for the files.
    #[arg(long, default_value = project::target().join("image").into_os_string())]
    to: PathBuf,
    /// Then run a script and the health check with these files only and without privileges. Needs root, for
    /// chroot.
    #[arg(long)]
    check: bool,
    /// Only build the crates that the service depends on, for a layer of the Dockerfile that does not depend
    /// on the service.
    #[arg(long, conflicts_with_all = ["to", "check"])]
    dependencies: bool,
}

/// Builds and collects the files.
pub fn run(options: &Options) -> Result<()> {
    if options.dependencies {
        return build_dependencies();
    }
    python::build()?;
    let program = build()?;
    let image = project::root().join(&options.to);
    fs::create_dir_all(image.join("tmp"))?;
    fs::set_permissions(image.join("tmp"), Permissions::from_mode(0o1777))?;
    for file in [program, project::wasm().join("python.cwasm")] {
        let name = file.file_name().context("a file has a name")?;
        fs::copy(&file, image.join(name)).with_context(|| format!("copying {}", file.display()))?;
    }
    sbom::write_licenses(&image.join("licenses"))?;
    sbom::write_sbom(&image.join("sbom.cdx.json"))?;
    if options.check {
        check(&image)?;
    }
    // Files there would be in every container.
    let leftovers = fs::read_dir(image.join("tmp"))?.count();
    ensure!(
        leftovers == 0,
        "{leftovers} leftovers are in the image's /tmp"
    );
    Ok(())
}

/// Returns cargo's arguments that select the service as it is in the image.
fn selection(target: &str) -> [&str; 6] {
    [
        "--profile",
        "dist",
        "--package",
        "python-executor",
        "--target",
        target,
    ]
}

fn triple() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

fn build() -> Result<PathBuf> {
    let triple = triple();
    let build = ["build", "--config", ".cargo/static.toml", "--locked"];
    project::cargo(&[&build[..], &selection(&triple)].concat())?;
    Ok(project::target().join(triple).join("dist/python-executor"))
}

/// Builds the service from the sources that are there, and removes it again. Cargo compares times, so it
/// would consider the program up to date if it were newer than the later sources.
fn build_dependencies() -> Result<()> {
    build()?;
    project::cargo(&[&["clean", "--locked"][..], &selection(&triple())].concat())
}

/// Runs a script and the health check with the image as the root directory, which contains no /dev, no /proc
/// and no library.
fn check(image: &Path) -> Result<()> {
    let service = Service::start_as(program_in(image), &[])?;
    let result = Client::new(&service.url).result(PROBE)?;
    ensure!(result == json!(0), "the probe returned {result}");

    let (_, port) = service
        .url
        .rsplit_once(':')
        .context("the address has a port")?;
    let health = program_in(image)
        .arg("healthcheck")
        .env("PORT", port)
        .status()?;
    ensure!(health.success(), "the health check ended with {health}");

    service.stop()?;
    println!("The image's files are enough to run a script and the health check.");
    Ok(())
}

/// Returns a command that runs the program with the image as its root directory and an empty environment.
fn program_in(image: &Path) -> Command {
    let mut chroot = Command::new("chroot");
    chroot
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .arg(format!("--userspec={USER}"))
        .arg(image)
        .arg("/python-executor");
    chroot
}
