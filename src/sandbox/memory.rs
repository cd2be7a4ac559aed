//! The limit on a guest's memory.

use wasmtime::{ResourceLimiter, Result, ensure};

/// A guest that has been refused memory so often will not come to its senses. Python has places
/// where it tries for ever to allocate what it needs to report that it cannot.
const MAX_REFUSALS: u32 = 10_000;

/// Refuses growth past a limit and remembers what was asked for.
pub struct MemoryLimiter {
    limit: usize,
    in_use: usize,
    refusals: u32,
}

impl MemoryLimiter {
    /// Allows `limit` bytes of linear memory.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            in_use: 0,
            refusals: 0,
        }
    }

    /// Bytes of linear memory that there may be.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes of linear memory. It never shrinks, so this is the most there was.
    pub fn in_use(&self) -> usize {
        self.in_use
    }

    /// Whether the guest has ever asked for more than it may have.
    pub fn refused(&self) -> bool {
        self.refusals > 0
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool> {
        let allowed = desired <= self.limit;
        if allowed {
            self.in_use = desired;
        } else {
            self.refusals += 1;
            ensure!(self.refusals < MAX_REFUSALS, "out of memory for good");
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool> {
        // CPython's table has its size from the start; only the making of an instance asks.
        Ok(current == 0 || desired <= current)
    }
}
