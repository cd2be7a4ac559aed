//! Compiles `python.wasm` to machine code, so that the service needs no compiler.

use std::path::Path;

use anyhow::Result;
use wasmtime::{Config, Engine, OptLevel};

use crate::cache::cached;
use crate::digest::Fingerprint;

#[path = "../../../src/sandbox/module_config.rs"]
mod module_config;

/// The instructions beyond the first x86-64 processors' that the machine code uses: those of x86-64-v2. The service
/// checks them before it loads the file (`src/sandbox/processor.rs`).
const BASELINE: &[&str] = &[
    "has_sse3",
    "has_ssse3",
    "has_sse41",
    "has_sse42",
    "has_popcnt",
];

/// The machine code for `module`, for processors of at least the baseline that the manifest names.
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
    if cfg!(target_arch = "x86_64") {
        for feature in BASELINE {
            enable(&mut config, feature);
        }
    }
    let engine = Engine::new(&config)?;
    Ok(engine.precompile_module(module)?)
}

/// Lets Cranelift use a feature of the processor.
#[expect(unsafe_code, reason = "wasmtime has no safe way to name a feature")]
fn enable(config: &mut Config, feature: &str) {
    // SAFETY: the code is not run here, and wasmtime refuses to load it where the feature is missing.
    unsafe {
        config.cranelift_flag_enable(feature);
    }
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
