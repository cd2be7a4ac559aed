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
mod compile;
mod compiler;
mod crates;
mod digest;
mod edits;
mod environment;
mod freeze;
mod functions;
mod generate;
mod guest;
mod inittab;
mod layout;
mod libc;
mod library;
mod link;
mod manifest;
mod patch;
mod patterns;
mod places;
mod plan;
mod precompile;
mod progress;
mod recipe;
mod registers;
mod snapshot;
mod sources;
mod state;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use pinned::{Pins, Wheel, publish};

use self::compiler::Compiler;
use self::crates::Crates;
use self::edits::Edits;
use self::environment::Environment;
use self::manifest::Manifest;
use self::places::Places;
pub use self::precompile::run as precompile;
use self::progress::step;
use self::recipe::{Package, Recipe};

/// A build of an interpreter.
pub struct Build {
    /// The environment: a file in `wasm/environments`, and the name of the finished files.
    pub environment: String,
    /// The sets of edits to leave out, which must be optional.
    pub without: Vec<String>,
    /// The directory with environments, recipes, edits and the guest's own sources.
    pub wasm: PathBuf,
    /// The directory for the finished files.
    pub out: PathBuf,
    /// The directory for all that is kept for the next build.
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
        let name = &self.environment;
        let inputs = manifest::inputs(&self.wasm, name, &self.without, &pins)?;
        if !self.force && Manifest::is_current(&self.out, name, &inputs) {
            println!("Python {} is up to date.", pins.cpython.version);
            return Ok(());
        }
        println!("Building Python {} for the sandbox.", pins.cpython.version);
        if self.force && self.work.exists() {
            std::fs::remove_dir_all(&self.work).context("clearing the build directory")?;
        }
        std::fs::create_dir_all(&self.work)?;
        std::fs::create_dir_all(&self.out)?;

        let outputs = self.make(&pins)?;
        for (file, bytes) in &outputs {
            publish(&self.out.join(file), bytes)?;
        }
        Manifest::write(&self.out, name, &pins, inputs, &outputs)?;
        cache::prune(&self.work)?;
        cache::prune(&self.work.join("objects"))?;
        println!(
            "Python {} is ready after {:.0} s.",
            pins.cpython.version,
            started.elapsed().as_secs_f64()
        );
        Ok(())
    }

    /// Builds everything once more, from nothing and in another directory, and checks that the files are those in
    /// `out`.
    pub fn check_reproducible(&self) -> Result<()> {
        self.run()?;
        std::fs::create_dir_all(&self.work)?;
        let place = tempfile::tempdir_in(&self.work)?;
        let again = Self {
            environment: self.environment.clone(),
            without: self.without.clone(),
            wasm: self.wasm.clone(),
            out: place.path().join("out"),
            work: place.path().join("work"),
            downloads: self.downloads.clone(),
            force: false,
        };
        again.run()?;
        for kind in ["wasm", "cwasm"] {
            let file = format!("{}.{kind}", self.environment);
            let read = |directory: &Path| std::fs::read(directory.join(&file));
            ensure!(
                read(&self.out)? == read(&again.out)?,
                "another build made another {file}"
            );
        }
        println!("Another build made the same files.");
        Ok(())
    }

    /// Goes through the steps, and returns the finished files by their names.
    fn make(&self, pins: &Pins) -> Result<Vec<(String, Vec<u8>)>> {
        let (wasm, work) = (&self.wasm, &self.work);
        let recipe = Recipe::read(wasm, pins)?;
        let environment = Environment::read(wasm, &self.environment)?;
        let mut packages = Vec::new();
        for name in &environment.packages {
            packages.push((name.clone(), Package::read(wasm, name, pins)?));
        }

        compiler::check_prerequisites(&pins.zig)?;
        let mut places = step("Sources", || self.places(&recipe, &packages, pins))?;
        let compiler = step("Compiler", || {
            Compiler::fetch(&pins.zig, self.downloads.as_deref(), wasm, work)
        })?;
        for (name, package) in &packages {
            if !package.generate.is_empty() {
                let made = step(&format!("Generated sources of {name}"), || {
                    self.generate(name, package, &places, pins)
                })?;
                places.add(generate::place(name), made);
            }
        }
        let objects = step("Compilation", || {
            let plan = plan::make(&recipe, &environment, &packages, &places, work)?;
            compile::run(&plan, &compiler, &recipe.compiler.target, &places, work)
        })?;
        let libraries: Vec<String> = packages
            .iter()
            .flat_map(|(_, package)| package.link.iter().cloned())
            .collect();
        let link = |objects: &[&Path]| link::link(&recipe, &libraries, &compiler, objects, work);
        let archive = step("Standard library", || {
            let files = library::collect(&recipe, &environment, &packages, &places)?;
            library::build(
                files,
                pins.cpython.series(),
                &link(&objects.compiler())?,
                work,
            )
        })?;
        let module = step("Snapshot", || {
            let guest = link(&objects.guest())?;
            let snapshot = snapshot::take(&archive::embed(&guest, &archive)?, work)?;
            let module = freeze::run(&snapshot, &archive, work)?;
            state::check(&module)?;
            Ok(module)
        })?;
        let code = step("Precompilation", || {
            let ordered = layout::run(&module, work)?;
            precompile(&registers::keep_memory(&ordered)?, work)
        })?;
        let name = &self.environment;
        Ok(vec![
            (format!("{name}.wasm"), module),
            (format!("{name}.cwasm"), code),
        ])
    }

    /// Brings the trees of sources that are not generated.
    fn places(
        &self,
        recipe: &Recipe,
        packages: &[(String, Package)],
        pins: &Pins,
    ) -> Result<Places> {
        let mut places = Places::default();
        places.add("own:", &self.wasm);
        places.add("work:", &self.work);
        places.add("cpython:", self.fetch_cpython(pins)?);
        for (name, _) in packages {
            if let Some(archive) = pins.archives.get(name) {
                let edits = Package::directory(&self.wasm, name).join("edits");
                let edits = Edits::read(&edits, &[])?;
                let downloads = self.downloads.as_deref();
                let tree = sources::fetch(name, archive, &edits, downloads, &self.work)?;
                places.add(format!("archive:{name}"), tree);
            }
        }
        let crates = Crates::locate()?;
        let of_packages = packages.iter().map(|(_, package)| &package.libraries);
        for unit in of_packages
            .chain([&recipe.libraries])
            .flat_map(BTreeMap::values)
        {
            if let Some(name) = unit.krate() {
                places.add(format!("crate:{name}"), crates.get(name)?);
            }
        }
        Ok(places)
    }

    /// Makes the sources of a package that are generated, and returns their directory.
    fn generate(
        &self,
        name: &str,
        package: &Package,
        places: &Places,
        pins: &Pins,
    ) -> Result<PathBuf> {
        let mut tools = Vec::new();
        for tool in &package.tools {
            let pin = pins.tools.get(tool);
            tools.push(self.install(pin.with_context(|| format!("{tool} is not pinned"))?)?);
        }
        let own = Package::directory(&self.wasm, name);
        generate::run(name, &package.generate, &tools, &own, places, &self.work)
    }

    /// Returns the directory of CPython's sources as the interpreter is built from them, and brings them there
    /// first if need be.
    pub fn cpython(&self) -> Result<PathBuf> {
        std::fs::create_dir_all(&self.work)?;
        self.fetch_cpython(&Pins::read(&self.wasm)?)
    }

    fn fetch_cpython(&self, pins: &Pins) -> Result<PathBuf> {
        let edits = Edits::read(&self.wasm.join("edits"), &self.without)?;
        let downloads = self.downloads.as_deref();
        sources::fetch("cpython", &pins.cpython, &edits, downloads, &self.work)
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
