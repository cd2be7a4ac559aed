//! The runtime: everything that the interpreters of a process share.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use wasmtime::Engine;

use super::epoch::EpochTicker;
use super::scratch::{ScratchRoot, Unavailable};
use super::{engine, processor};

/// An engine with its pool of instances, its epoch ticker and the root of all scratch directories.
pub struct Runtime {
    pub(super) engine: Engine,
    pub(super) ticker: EpochTicker,
    pub(super) scratch: ScratchRoot,
}

impl Runtime {
    /// Creates a runtime with room for `slots` runs at once, each with at most `memory` bytes of linear memory.
    /// Scratch directories are made in `temp_root`, or in the system's directory for temporary files.
    ///
    /// # Errors
    /// When the processor is too old, address space cannot be reserved or no directory can be made; the message
    /// says what to do.
    pub fn new(slots: u32, memory: usize, temp_root: Option<&Path>) -> Result<Arc<Self>> {
        processor::check()?;
        let engine = engine::new(slots, memory)?;
        Ok(Arc::new(Self {
            ticker: EpochTicker::start(&engine)?,
            scratch: ScratchRoot::new(temp_root)?,
            engine,
        }))
    }

    /// Checks that the host can store `bytes` for a run.
    ///
    /// # Errors
    /// When a run has failed because the host could not, and the host still cannot.
    pub fn check_storage(&self, bytes: u64) -> Result<(), Unavailable> {
        self.scratch.check(bytes)
    }
}
