//! Links objects into a WebAssembly module.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::compiler::{self, Compiler};
use super::recipe::Recipe;

/// Links `objects` and gives back the module.
///
/// # Errors
/// When the linker fails; its words are shown.
pub fn link<'a>(
    recipe: &Recipe,
    compiler: &Compiler,
    objects: impl IntoIterator<Item = &'a PathBuf>,
    work: &Path,
) -> Result<Vec<u8>> {
    let output = tempfile::Builder::new()
        .suffix(".wasm")
        .tempfile_in(work)?
        .into_temp_path();
    // The list is too long for some systems' command lines.
    let list = tempfile::NamedTempFile::new_in(work)?;
    let names: Vec<String> = objects
        .into_iter()
        .map(|path| format!("\"{}\"", path.display()))
        .collect();
    std::fs::write(list.path(), names.join("\n"))?;

    let mut command = compiler.cc(&recipe.compiler.target);
    command
        .arg(format!("@{}", list.path().display()))
        .args(&recipe.link.flags)
        .arg(format!("-Wl,-z,stack-size={}", recipe.link.stack))
        .arg(format!("-Wl,--initial-memory={}", recipe.link.memory))
        .arg("-o")
        .arg(&output);
    compiler::run(&mut command)?;
    std::fs::read(&output).context("reading the linked module")
}
