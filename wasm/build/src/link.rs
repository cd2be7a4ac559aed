//! Links objects into a WebAssembly module.

use std::path::Path;

use anyhow::{Context, Result};
use wasm_encoder::{Module, RawSection};
use wasmparser::{Parser, Payload};

use crate::cache::cached;
use crate::compiler::{self, Compiler};
use crate::digest::Fingerprint;
use crate::recipe::Recipe;

/// Links `objects`, whose names tell what they hold, with the recipe's flags and `more`, and returns the module.
pub fn link(
    recipe: &Recipe,
    more: &[String],
    compiler: &Compiler,
    objects: &[&Path],
    work: &Path,
) -> Result<Vec<u8>> {
    let stack = format!("-Wl,-z,stack-size={}", recipe.link.stack);
    let flags = [&recipe.link.flags, more, &[stack]].concat();
    let mut fingerprint = Fingerprint::default();
    fingerprint
        .add(&compiler.version)
        .add(include_str!("link.rs"));
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
        without_debug_info(&std::fs::read(&output).context("reading the linked module")?)
    })
}

/// Returns `module` without debug information. The compiler's own runtime brings some, with paths of this machine.
fn without_debug_info(module: &[u8]) -> Result<Vec<u8>> {
    let mut output = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        let is_debug_info = matches!(
            &payload,
            Payload::CustomSection(section) if section.name().starts_with(".debug_")
        );
        if let Some((id, range)) = payload.as_section()
            && !is_debug_info
        {
            let data = &module[range];
            output.section(&RawSection { id, data });
        }
    }
    Ok(output.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_and_debug_information_goes() -> Result<()> {
        let text = |debug: &str| {
            let text =
                format!(r#"(module $m {debug} (func $f (export "f") nop) (memory 1) (data "a"))"#);
            wat::parse_str(text)
        };
        let with = text(r#"(@custom ".debug_line" "/home/me")"#)?;
        assert_eq!(without_debug_info(&with)?, text("")?);
        Ok(())
    }
}
