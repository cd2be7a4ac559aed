//! The limit on a guest's memory.

use wasmtime::{ResourceLimiter, Result, ensure};

/// A guest that has been refused memory so often will not come to its senses. Python has places
/// where it tries for ever to allocate what it needs to report that it cannot.
const MAX_REFUSALS: u32 = 10_000;

/// Bytes that an interpreter asks for at once to make small objects of: an arena, a piece of the heap.
/// A script that asks for more can go on without.
const LITTLE: usize = 1 << 20;

/// The guest asks for memory again and again and does nothing else.
#[derive(Debug, thiserror::Error)]
#[error("out of memory for good")]
pub struct OutOfMemory;

/// Refuses growth past a limit and remembers what was asked for.
pub struct MemoryLimiter {
    limit: usize,
    in_use: usize,
    refusals: u32,
    starved: bool,
}

impl MemoryLimiter {
    /// Allows `limit` bytes of linear memory.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            in_use: 0,
            refusals: 0,
            starved: false,
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

    /// Whether the guest cannot go on without more than it may have: it was refused as little as an
    /// interpreter asks for, and has got none since.
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
            self.starved = desired - current <= LITTLE;
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
        // CPython's table has its size from the start; only the making of an instance asks.
        Ok(current == 0 || desired <= current)
    }
}
