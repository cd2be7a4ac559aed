//! The wasmtime engine: the pool of instances, and loading a precompiled module.

use std::path::Path;

use anyhow::{Context, Result};
use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, Module, PoolingAllocationConfig};

use super::module_config::{ASYNC_STACK, MEMORY_GUARD, MEMORY_RESERVATION, module_config};

/// Bytes of a used memory that stay mapped for the next run, which restores only the changed pages.
/// Costs up to as much resident memory per slot; eight times as much made every drop after a large run slow.
const KEEP_MEMORY: usize = 2 << 20;

/// The same for tables; CPython's fits as a whole.
const KEEP_TABLE: usize = 400 << 10;

/// Elements of CPython's function table, with room to spare.
const TABLE_ELEMENTS: usize = 20_000;

/// Snapshots of up to this many bytes are mapped as one image, so that starting copies nothing.
const MAX_IMAGE: u64 = 256 << 20;

/// Bytes of address space that a slot reserves, for memory, stack and tables.
pub const ADDRESS_SPACE: u64 = MEMORY_RESERVATION + MEMORY_GUARD + 2 * ASYNC_STACK as u64;

/// Creates an engine with a pool of `slots` instances of up to `memory` bytes of linear memory each.
///
/// # Errors
/// When the address space cannot be reserved.
pub fn new(slots: u32, memory: usize) -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_core_instances(slots)
        .total_memories(slots)
        .total_tables(slots)
        .total_stacks(slots)
        .max_memory_size(memory)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(KEEP_MEMORY)
        .table_keep_resident(KEEP_TABLE)
        .pagemap_scan(Enabled::Auto);
    let mut config = module_config();
    config.memory_guaranteed_dense_image_size(MAX_IMAGE);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).map_err(anyhow::Error::from).with_context(|| {
        format!("reserving room for {slots} runs at once; a smaller number of concurrent runs needs less")
    })
}

/// Whether the kernel reports which pages a run has changed, so that only those need to be restored.
#[must_use]
pub fn page_scan_available() -> bool {
    PoolingAllocationConfig::is_pagemap_scan_available()
}

/// Maps a precompiled module.
///
/// # Errors
/// When the file is missing or does not fit this build or this machine.
#[expect(unsafe_code, reason = "wasmtime has no safe way to load machine code")]
pub fn load_module(engine: &Engine, path: &Path) -> Result<Module> {
    // SAFETY: the file holds machine code that wasmtime runs unchecked, so it must be one that
    // `cargo xtask fetch-python` made, and it must not change while the service runs. An attacker who
    // can write to it can also replace the service's binary beside it: both belong to the
    // operator. wasmtime itself checks that its version, its settings and the processor fit.
    let module = unsafe { Module::deserialize_file(engine, path) };
    module.map_err(anyhow::Error::from).with_context(|| {
        format!(
            "loading {}; `cargo xtask fetch-python` makes one that fits this build",
            path.display()
        )
    })
}
