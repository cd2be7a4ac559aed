//! Links objects into a WebAssembly module.

use std::path::Path;

use anyhow::{Context, Result};

use super::cache::cached;
use super::compiler::{self, Compiler};
use super::digest::Fingerprint;
use super::recipe::Recipe;

/// Links `objects`, whose names tell what they hold, and gives back the module.
pub fn link(
    recipe: &Recipe,
    compiler: &Compiler,
    objects: &[&Path],
    work: &Path,
) -> Result<Vec<u8>> {
    let flags = link_flags(recipe);
    let mut fingerprint = Fingerprint::default();
    fingerprint.add(&compiler.version);
    for flag in &flags {
        fingerprint.add(flag);
    }
    for object in objects {
        fingerprint.add(object.file_name().unwrap_or_default().as_encoded_bytes());
    }
    cached(work, "linked.wasm", &fingerprint, || {
        let output = tempfile::Builder::new()
            .suffix(".wasm")
            .tempfile_in(work)?
            .into_temp_path();
        // The list is too long for some systems' command lines.
        let list = tempfile::NamedTempFile::new_in(work)?;
        let names: Vec<_> = objects
            .iter()
            .map(|path| format!("\"{}\"", path.display()))
            .collect();
        std::fs::write(list.path(), names.join("\n"))?;
        let mut command = compiler.cc(&recipe.compiler.target);
        command
            .arg(format!("@{}", list.path().display()))
            .args(&flags)
            .arg("-o")
            .arg(&output);
        compiler::run(&mut command)?;
        std::fs::read(&output).context("reading the linked module")
    })
}

fn link_flags(recipe: &Recipe) -> Vec<String> {
    let stack = format!("-Wl,-z,stack-size={}", recipe.link.stack);
    recipe.link.flags.iter().cloned().chain([stack]).collect()
}
