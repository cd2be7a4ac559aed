//! The command that builds CPython for the sandbox, and where its files are in the checkout.

use std::path::PathBuf;

use anyhow::Result;
pub use pinned::Wheel;
use python_build::Build;
#[cfg(test)]
pub use python_build::precompile;

use crate::project;

/// The options of the command.
#[derive(clap::Args, Default)]
pub struct Options {
    /// Build everything again, even what is up to date.
    #[arg(long)]
    force: bool,
    /// Leave out a set of edits of CPython that only makes it faster, such as `speed`.
    #[arg(long, value_name = "SET")]
    without: Vec<String>,
    /// The environment to build, a file in wasm/environments [default: python].
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The directory for the finished files, if not wasm/.
    #[arg(long, value_name = "DIRECTORY")]
    to: Option<PathBuf>,
    /// Then build everything once more in another directory and compare; takes as long as the first build.
    #[arg(long, conflicts_with = "force")]
    check_reproducible: bool,
    /// Look for source archives in this directory before anything is downloaded.
    #[arg(long, env = pinned::DOWNLOADS)]
    downloads: Option<PathBuf>,
}

/// Builds `wasm/python.wasm` and `wasm/python.cwasm`, unless they are up to date.
pub fn run(options: &Options) -> Result<()> {
    let build = build(options);
    if options.check_reproducible {
        return build.check_reproducible();
    }
    build.run()
}

/// Returns the directory of CPython's sources as the interpreter is built from them.
pub fn cpython() -> Result<PathBuf> {
    build(&Options::default()).cpython()
}

/// Returns the directory of the C compiler, with its libraries.
pub fn zig() -> Result<PathBuf> {
    build(&Options::default()).zig()
}

/// Returns the directory of a pinned package of Python's package index.
pub fn install_wheel(pin: &Wheel) -> Result<PathBuf> {
    build(&Options::default()).install(pin)
}

fn build(options: &Options) -> Build {
    let environment = options.environment.clone();
    Build {
        environment: environment.unwrap_or_else(|| "python".to_owned()),
        without: options.without.clone(),
        wasm: project::wasm(),
        out: options.to.clone().unwrap_or_else(project::wasm),
        work: project::target().join("python"),
        downloads: options.downloads.clone().or_else(pinned::downloads),
        force: options.force,
    }
}
