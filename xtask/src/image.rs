//! The files of the container's image: the service, linked statically, the interpreter, and what tells what
//! they are made of.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::client::Client;
use crate::service::Service;
use crate::{fetch_python, project, sbom};

/// The user that the image is made for; the Dockerfile names it, too.
const USER: &str = "65532:65532";

/// Touches what a run needs of the machine: random numbers, the temporary directory, clocks, time zones.
const PROBE: &str = "
import datetime, pathlib, secrets, time, zoneinfo
def main():
    pathlib.Path('file').write_text(secrets.token_hex())
    time.sleep(0.001)
    return datetime.datetime(2000, 1, 1, tzinfo=zoneinfo.ZoneInfo('Asia/Tokyo')).hour
";

/// What can be said on the command line.
#[derive(clap::Args)]
pub struct Options {
    /// Where to put the files [default: image in cargo's target directory].
    #[arg(long)]
    to: Option<PathBuf>,
    /// Then run a script and the health check with nothing but these files and no privileges. Needs root,
    /// for chroot.
    #[arg(long)]
    check: bool,
    /// Only build the crates that the service depends on, of which a change to the service changes
    /// nothing: a layer of its own for the Dockerfile.
    #[arg(long, conflicts_with_all = ["to", "check"])]
    dependencies: bool,
}

/// Builds and collects the files.
///
/// # Errors
/// When something cannot be built, or does not work alone.
pub fn run(options: &Options) -> Result<()> {
    if options.dependencies {
        return build_dependencies();
    }
    fetch_python::run(&fetch_python::Options::default())?;
    let program = build()?;
    let image = match &options.to {
        Some(path) => project::root().join(path),
        None => project::target().join("image"),
    };
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
    // What lies there would be in every container.
    let leftovers = fs::read_dir(image.join("tmp"))?.count();
    ensure!(
        leftovers == 0,
        "{leftovers} leftovers are in the image's /tmp"
    );
    Ok(())
}

/// Arguments for cargo that select the service as it is in the image.
fn selection() -> [String; 6] {
    [
        "--profile",
        "dist",
        "--package",
        "python-executor",
        "--target",
        &triple(),
    ]
    .map(str::to_owned)
}

fn triple() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

fn build() -> Result<PathBuf> {
    let build = ["build", "--config", ".cargo/static.toml", "--locked"];
    project::cargo(&build, &selection())?;
    let target = project::target().join(triple());
    Ok(target.join("dist/python-executor"))
}

/// Builds the service from whatever sources are there, and removes it again. Cargo compares times:
/// it would take a program that is younger than the sources for up to date.
fn build_dependencies() -> Result<()> {
    build()?;
    project::cargo(&["clean", "--locked"], &selection())
}

/// Runs a script and the health check in a root directory that is the image. There is no /dev, no /proc and
/// no library in it.
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

/// The program with the image as its root directory, and nothing else of this environment.
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
