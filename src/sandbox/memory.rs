//! The memory limit.

use wasmtime::{ResourceLimiter, Result, ensure};

/// After this many refusals the run is ended: some code in CPython retries an allocation forever in order to
/// report that it failed.
const MAX_REFUSALS: u32 = 10_000;

/// The interpreter requests at most this many bytes at once for small objects: an arena or a part of the heap.
/// A larger request comes from the script, which can go on when it fails.
const MAX_INTERNAL_REQUEST: usize = 1 << 20;

/// The guest has been refused memory [`MAX_REFUSALS`] times; ends the run.
#[derive(Debug, thiserror::Error)]
#[error("out of memory")]
pub struct OutOfMemory;

/// Refuses growth of linear memory past the limit of the job.
pub struct MemoryLimiter {
    limit: usize,
    in_use: usize,
    refusals: u32,
    starved: bool,
}

impl MemoryLimiter {
    /// Allows everything that the pool has room for, until a job sets its limit.
    pub fn new() -> Self {
        Self {
            limit: usize::MAX,
            in_use: 0,
            refusals: 0,
            starved: false,
        }
    }

    /// Allows a job `limit` bytes of linear memory, and forgets what earlier jobs were refused.
    pub fn begin(&mut self, limit: usize) {
        self.limit = limit;
        self.refusals = 0;
        self.starved = false;
    }

    /// Bytes of linear memory. It never shrinks, so this is also its peak.
    pub fn in_use(&self) -> usize {
        self.in_use
    }

    /// Whether the interpreter itself is out of memory: its last request was a small one and was refused.
    pub fn is_starved(&self) -> bool {
        self.starved
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool> {
        let allowed = desired <= self.limit;
        if allowed {
            self.in_use = desired;
            self.starved = false;
        } else {
            self.refusals += 1;
            self.starved = desired - current <= MAX_INTERNAL_REQUEST;
            ensure!(self.refusals < MAX_REFUSALS, OutOfMemory);
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool> {
        // CPython's table never grows; only instantiation asks.
        Ok(current == 0 || desired <= current)
    }
}
