//! Compiles `python.wasm` to machine code, so that the service needs no compiler.

use std::path::Path;

use anyhow::Result;
use wasmtime::{Engine, OptLevel};

use super::cache::cached;
use super::digest::Fingerprint;

#[path = "../../../src/sandbox/module_config.rs"]
mod module_config;

/// The machine code for `module`, for processors of at least the baseline that the manifest names.
///
/// # Errors
/// When the compiler refuses the module.
pub fn run(module: &[u8], work: &Path) -> Result<Vec<u8>> {
    let mut fingerprint = Fingerprint::default();
    fingerprint
        .add(module)
        .add(include_str!("precompile.rs"))
        .add(include_str!("../../../src/sandbox/module_config.rs"));
    cached(work, "precompiled.cwasm", &fingerprint, || compile(module))
}

fn compile(module: &[u8]) -> Result<Vec<u8>> {
    let mut config = module_config::module_config();
    config.cranelift_opt_level(OptLevel::Speed);
    config.target(&target())?;
    let engine = Engine::new(&config)?;
    Ok(engine.precompile_module(module)?)
}

/// The target's name. Naming it keeps the build machine's own processor out of the result.
pub fn target() -> String {
    let system = if cfg!(target_os = "macos") {
        "apple-darwin"
    } else {
        "unknown-linux-gnu"
    };
    format!("{}-{system}", std::env::consts::ARCH)
}
