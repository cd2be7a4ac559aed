//! From pinned sources to `wasm/python.cwasm`.
//!
//! ```text
//! sources ─┬─ zig cc ─▶ objects ─┬─ link ─▶ compiler.wasm ─▶ code of the standard library ─▶ archive
//! crates  ─┘                     └─ link ─▶ interpreter + archive ─ snapshot ─ freeze ─▶ python.wasm
//!                                            python.wasm ─ layout ─ registers ─ Cranelift ─▶ python.cwasm
//! ```
//!
//! Every step's output is named after the digest of what it was made from, and appears under that
//! name only when it is whole. So what is there is right, and an interrupted run leaves nothing broken.

mod archive;
mod cache;
mod compiler;
mod crates;
mod digest;
mod freeze;
mod functions;
mod guest;
mod layout;
mod libc;
mod library;
mod link;
mod manifest;
mod objects;
mod precompile;
mod progress;
mod recipe;
mod registers;
mod snapshot;
mod sources;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use pinned::publish;
pub use pinned::{Pins, Wheel};

use self::compiler::Compiler;
use self::manifest::Manifest;
#[cfg(test)]
pub use self::precompile::run as precompile;
use self::progress::step;
use self::recipe::Recipe;
use crate::project;

/// What can be said on the command line.
#[derive(clap::Args, Default)]
pub struct Options {
    /// Build everything again, even what is up to date.
    #[arg(long)]
    force: bool,
    /// Look for source archives in this directory before anything is downloaded.
    #[arg(long, env = pinned::DOWNLOADS)]
    downloads: Option<PathBuf>,
}

impl Options {
    fn downloads(&self) -> Option<PathBuf> {
        self.downloads.clone().or_else(pinned::downloads)
    }
}

/// Where the build keeps its own files.
fn work_directory() -> PathBuf {
    project::root().join("target").join("python")
}

/// The directory of CPython's sources, as the interpreter is built from them; they are brought there
/// if they are not there yet.
///
/// # Errors
/// When they cannot be had.
pub fn cpython() -> Result<PathBuf> {
    let work = work_directory();
    std::fs::create_dir_all(&work)?;
    let pins = Pins::read(&project::wasm())?;
    let downloads = Options::default().downloads();
    Ok(sources::fetch(&pins.cpython, downloads.as_deref(), &work)?.root)
}

/// Makes `wasm/python.wasm`, `wasm/python.cwasm` and `wasm/manifest.json`, unless they are up to date.
///
/// # Errors
/// Whatever goes wrong in a step, with what to do about it where that is known.
pub fn run(options: &Options) -> Result<()> {
    let started = Instant::now();
    let wasm = project::wasm();
    let pins = Pins::read(&wasm)?;
    let recipe = Recipe::read(&wasm)?;
    let inputs = manifest::inputs(&wasm, &pins)?;

    if !options.force && Manifest::is_current(&wasm, &inputs) {
        println!("Python {} is up to date.", pins.cpython.version);
        return Ok(());
    }
    println!("Building Python {} for the sandbox.", pins.cpython.version);

    let work = work_directory();
    if options.force && work.exists() {
        std::fs::remove_dir_all(&work).context("clearing the build directory")?;
    }
    std::fs::create_dir_all(&work)?;

    let downloads = options.downloads();
    compiler::check_prerequisites(&pins.zig)?;
    let cpython = step("Sources", || {
        sources::fetch(&pins.cpython, downloads.as_deref(), &work)
    })?;
    let compiler = step("Compiler", || {
        Compiler::fetch(&pins.zig, downloads.as_deref(), &wasm, &work)
    })?;
    let objects = step("Compilation", || {
        objects::build(&recipe, &compiler, &cpython, &wasm, &work)
    })?;
    let archive = step("Standard library", || {
        let tool = link::link(&recipe, &compiler, &objects.compiler(), &work)?;
        library::build(&recipe, &tool, &cpython, &wasm, &work)
    })?;
    let python_wasm = step("Snapshot", || {
        let guest = link::link(&recipe, &compiler, &objects.guest(), &work)?;
        let snapshot = snapshot::take(&archive::embed(&guest, &archive)?, &work)?;
        freeze::run(&snapshot, &archive, &work)
    })?;
    let python_cwasm = step("Precompilation", || {
        let ordered = layout::run(&python_wasm, &work)?;
        precompile::run(&registers::keep_memory(&ordered)?, &work)
    })?;
    publish(&wasm.join("python.wasm"), &python_wasm)?;
    publish(&wasm.join("python.cwasm"), &python_cwasm)?;
    Manifest::write(&wasm, &pins, inputs, &python_wasm, &python_cwasm)?;
    println!(
        "Python {} is ready after {:.0} s.",
        pins.cpython.version,
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Brings a pinned package of Python's package index and gives its directory.
///
/// # Errors
/// When it cannot be had.
pub fn install_wheel(pin: &Wheel) -> Result<PathBuf> {
    let work = work_directory();
    std::fs::create_dir_all(&work)?;
    pinned::install(pin, None, &work)
}
