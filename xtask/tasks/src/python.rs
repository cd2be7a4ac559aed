//! The interpreter of this checkout and its sources. The package `python-build` makes them: as a program, so that the
//! crates of the tasks and those of the build, which take minutes to compile, do not depend on each other.

use std::path::PathBuf;

use anyhow::Result;
pub use pinned::Wheel;

use crate::project;

const PACKAGE: [&str; 4] = ["--release", "--locked", "--package", "python-build"];

/// Builds `wasm/python.wasm` and `wasm/python.cwasm`, unless they are up to date.
pub fn build() -> Result<()> {
    project::cargo(&[&["run"][..], &PACKAGE, &["--", "build"]].concat())
}

/// Returns the directory of CPython's sources as the interpreter is built from them.
pub fn sources() -> Result<PathBuf> {
    directory("sources")
}

/// Returns the directory of the C compiler, with its libraries.
pub fn compiler() -> Result<PathBuf> {
    directory("compiler")
}

fn directory(command: &str) -> Result<PathBuf> {
    let mut cargo = project::cargo_command();
    cargo.arg("run").args(PACKAGE).args(["--", command]);
    Ok(pinned::output(&mut cargo)?.trim_end().into())
}

/// Returns the directory of a pinned package of Python's package index.
pub fn install_wheel(pin: &Wheel) -> Result<PathBuf> {
    let work = project::target().join("python");
    std::fs::create_dir_all(&work)?;
    pinned::install(pin, pinned::downloads().as_deref(), &work)
}

/// Compiles a module to machine code for the service. The build must have run.
#[cfg(test)]
pub fn precompile(module: &std::path::Path, output: &std::path::Path) -> Result<()> {
    let mut build = std::process::Command::new(project::target().join("release/python-build"));
    pinned::run(build.arg("precompile").args([module, output]))
}
