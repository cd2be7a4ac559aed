//! Lays out code as it will lie in the guest's memory, so that an import reads nothing.

use std::path::Path;

use anyhow::{Context, Result};
use wasmtime::{Config, Engine, Linker, Module, OptLevel, Store};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p1;

use super::archive;
use super::cache::cached;
use super::digest::Fingerprint;

/// The `snapshot` of a guest with `archive`, in which the code of each module that the snapshot has
/// not imported is frozen. Frozen code refers to what is in this snapshot, so the guest itself makes
/// it (`wasm/guest/deepfreeze.c`).
///
/// # Errors
/// When some code has a constant of a kind that cannot be frozen; the guest has printed what it was at.
pub fn run(snapshot: &[u8], archive: &[u8], work: &Path) -> Result<Vec<u8>> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.add(snapshot).add(include_str!("freeze.rs"));
    cached(work, "frozen.wasm", &fingerprint, || {
        archive::replace(snapshot, &freeze(snapshot, archive)?)
    })
}

fn freeze(snapshot: &[u8], archive: &[u8]) -> Result<Vec<u8>> {
    let mut config = Config::new();
    config.cranelift_opt_level(OptLevel::None);
    let engine = Engine::new(&config)?;
    let mut linker = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, |wasi| wasi)?;
    let mut store = Store::new(&engine, WasiCtxBuilder::new().inherit_stderr().build_p1());
    let guest = linker.instantiate(&mut store, &Module::new(&engine, snapshot)?)?;
    let memory = guest
        .get_memory(&mut store, "memory")
        .context("the guest exports its memory")?;
    let freeze = guest.get_typed_func::<u32, u32>(&mut store, "freeze")?;
    let frozen_ptr = guest.get_typed_func::<(), u32>(&mut store, "frozen_ptr")?;

    let mut files = archive::unpack(archive)?;
    for (number, (path, data)) in files.iter_mut().enumerate() {
        let size = freeze
            .call(&mut store, u32::try_from(number)?)
            .map_err(anyhow::Error::from)
            .with_context(|| format!("freezing {path}"))? as usize;
        if size > 0 {
            let start = frozen_ptr.call(&mut store, ())? as usize;
            *data = memory
                .data(&store)
                .get(start..start + size)
                .context("the guest's frozen code")?
                .to_owned();
        }
    }
    archive::pack(&files)
}
