//! The limit on a guest's memory.

use wasmtime::{ResourceLimiter, Result};

/// Refuses growth past a limit and remembers what was asked for.
pub struct MemoryLimiter {
    limit: usize,
    in_use: usize,
    refused: bool,
}

impl MemoryLimiter {
    /// Allows `limit` bytes of linear memory.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            in_use: 0,
            refused: false,
        }
    }

    /// Bytes of linear memory. It never shrinks, so this is the most there was.
    pub fn in_use(&self) -> usize {
        self.in_use
    }

    /// Whether the guest has ever asked for more than it may have.
    pub fn refused(&self) -> bool {
        self.refused
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
            self.refused = true;
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
