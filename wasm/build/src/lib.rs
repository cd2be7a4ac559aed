//! The build of CPython for the sandbox: from pinned sources to machine code.
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

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use pinned::{Pins, Wheel, publish};

use self::compiler::Compiler;
use self::manifest::Manifest;
pub use self::precompile::run as precompile;
use self::progress::step;
use self::recipe::Recipe;

/// A build of an interpreter.
pub struct Build {
    /// The name of the interpreter's files.
    pub environment: String,
    /// The directory with the recipe, the edits and the guest's own sources.
    pub wasm: PathBuf,
    /// Where the finished files go.
    pub out: PathBuf,
    /// Where the build keeps its own files.
    pub work: PathBuf,
    /// A directory in which sources are looked for before anything is downloaded.
    pub downloads: Option<PathBuf>,
    /// Whether everything is built again, even what is up to date.
    pub force: bool,
}

impl Build {
    /// Makes `NAME.wasm`, `NAME.cwasm` and `NAME.manifest.json` for the environment of that name, unless they
    /// are up to date.
    pub fn run(&self) -> Result<()> {
        let started = Instant::now();
        let pins = Pins::read(&self.wasm)?;
        let recipe = Recipe::read(&self.wasm)?;
        let inputs = manifest::inputs(&self.wasm, &pins)?;
        let name = &self.environment;

        if !self.force && Manifest::is_current(&self.out, name, &inputs) {
            println!("Python {} is up to date.", pins.cpython.version);
            return Ok(());
        }
        println!("Building Python {} for the sandbox.", pins.cpython.version);

        let (wasm, work) = (&self.wasm, &self.work);
        if self.force && work.exists() {
            std::fs::remove_dir_all(work).context("clearing the build directory")?;
        }
        std::fs::create_dir_all(work)?;

        compiler::check_prerequisites(&pins.zig)?;
        let cpython = step("Sources", || self.fetch_cpython(&pins))?;
        let compiler = step("Compiler", || {
            Compiler::fetch(&pins.zig, self.downloads.as_deref(), wasm, work)
        })?;
        let objects = step("Compilation", || {
            objects::build(&recipe, &compiler, &cpython, wasm, work)
        })?;
        let archive = step("Standard library", || {
            let tool = link::link(&recipe, &compiler, &objects.compiler(), work)?;
            library::build(&recipe, &tool, &cpython, wasm, work)
        })?;
        let python_wasm = step("Snapshot", || {
            let guest = link::link(&recipe, &compiler, &objects.guest(), work)?;
            let snapshot = snapshot::take(&archive::embed(&guest, &archive)?, work)?;
            freeze::run(&snapshot, &archive, work)
        })?;
        let python_cwasm = step("Precompilation", || {
            let ordered = layout::run(&python_wasm, work)?;
            precompile::run(&registers::keep_memory(&ordered)?, work)
        })?;
        let outputs = [("wasm", python_wasm), ("cwasm", python_cwasm)]
            .map(|(kind, bytes)| (format!("{name}.{kind}"), bytes));
        for (file, bytes) in &outputs {
            publish(&self.out.join(file), bytes)?;
        }
        Manifest::write(&self.out, name, &pins, inputs, &outputs)?;
        println!(
            "Python {} is ready after {:.0} s.",
            pins.cpython.version,
            started.elapsed().as_secs_f64()
        );
        Ok(())
    }

    /// Returns the directory of CPython's sources as the interpreter is built from them, and brings them there
    /// first if need be.
    pub fn cpython(&self) -> Result<PathBuf> {
        std::fs::create_dir_all(&self.work)?;
        Ok(self.fetch_cpython(&Pins::read(&self.wasm)?)?.root)
    }

    fn fetch_cpython(&self, pins: &Pins) -> Result<sources::Sources> {
        let edits = self.wasm.join("edits");
        sources::fetch(&pins.cpython, &edits, self.downloads.as_deref(), &self.work)
    }

    /// Returns the directory of the C compiler, with its libraries, and brings it there first if need be.
    pub fn zig(&self) -> Result<PathBuf> {
        let zig = Pins::read(&self.wasm)?.zig;
        Ok(self.install(&zig)?.join(&zig.package))
    }

    /// Returns the directory of a pinned package of Python's package index, and brings it there first if need
    /// be.
    pub fn install(&self, pin: &Wheel) -> Result<PathBuf> {
        std::fs::create_dir_all(&self.work)?;
        pinned::install(pin, self.downloads.as_deref(), &self.work)
    }
}

/// The checkout that this crate lies in.
fn checkout() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package)
}
