//! The wasmtime engine: how much room it has, and the clock that interrupts guests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, Module, PoolingAllocationConfig};

use super::module_config::{ASYNC_STACK, MEMORY_GUARD, MEMORY_RESERVATION, module_config};

/// How often guests can be interrupted. Shorter is fairer and costs more.
const TICK: Duration = Duration::from_millis(1);

/// After so many ticks without a guest the clock stops, so that an idle service sleeps.
const IDLE_TICKS: u32 = 50;

/// Bytes of a used memory that stay in place for the next run, which restores only what was changed.
/// Costs up to as much RSS per slot; eight times as much made every drop after a large run slow.
const KEEP_MEMORY: usize = 2 << 20;

/// The same for tables; all of CPython's fits.
const KEEP_TABLE: usize = 400 << 10;

/// Elements of CPython's function table, with room to spare.
const TABLE_ELEMENTS: usize = 20_000;

/// The snapshot is mapped as one image up to this size, so that starting copies nothing.
const MAX_IMAGE: u64 = 256 << 20;

/// Bytes of address space that a slot reserves, for memory, stack and tables.
pub const ADDRESS_SPACE: u64 = MEMORY_RESERVATION + MEMORY_GUARD + 2 * ASYNC_STACK as u64;

/// An engine with room for `slots` guests of `memory` bytes at once.
///
/// # Errors
/// When the room cannot be reserved.
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

/// Whether the system tells which pages a run has changed, so that no others need to be restored.
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
    // SAFETY: the file holds machine code that wasmtime runs as it is, so it must be one that
    // `cargo xtask fetch-python` made, and it must not change while the service runs. Whoever can
    // write to it can also replace the service's binary, which lies beside it: both belong to the
    // operator. wasmtime itself checks that its version, its settings and the processor fit.
    let module = unsafe { Module::deserialize_file(engine, path) };
    module.map_err(anyhow::Error::from).with_context(|| {
        format!(
            "loading {}; `cargo xtask fetch-python` makes one that fits this build",
            path.display()
        )
    })
}

/// Advances the engine's epoch while guests run.
pub struct Ticker {
    state: Arc<TickerState>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct TickerState {
    running: AtomicUsize,
    parked: AtomicBool,
    stopped: AtomicBool,
}

/// A guest that runs, or may at any time; as long as there is one, the clock ticks.
pub struct Running<'a>(&'a TickerState);

impl Ticker {
    /// Starts the clock of `engine`.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn start(engine: &Engine) -> Result<Self> {
        let state = Arc::new(TickerState::default());
        let (engine, shared) = (engine.clone(), Arc::clone(&state));
        let thread = std::thread::Builder::new()
            .name("epoch".into())
            .spawn(move || shared.tick(&engine))?;
        Ok(Self {
            state,
            thread: Some(thread),
        })
    }

    /// Makes the clock tick at least until the answer is dropped.
    pub fn running(&self) -> Running<'_> {
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.parked.load(Ordering::SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
        Running(&self.state)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl TickerState {
    fn tick(&self, engine: &Engine) {
        let mut idle = 0;
        while !self.stopped.load(Ordering::SeqCst) {
            idle = match self.running.load(Ordering::SeqCst) {
                0 => idle + 1,
                _ => 0,
            };
            if idle < IDLE_TICKS {
                std::thread::sleep(TICK);
                engine.increment_epoch();
                continue;
            }
            // Whoever starts to run after this line sees that there is someone to wake.
            self.parked.store(true, Ordering::SeqCst);
            if self.running.load(Ordering::SeqCst) == 0 && !self.stopped.load(Ordering::SeqCst) {
                std::thread::park();
            }
            self.parked.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread cannot panic, and there would be nothing to do about it.
            let _ = thread.join();
        }
    }
}
