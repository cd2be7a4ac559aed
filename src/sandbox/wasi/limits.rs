//! The run's limits as a script may ask for them, for `os.statvfs` and its like (the other side is
//! wasm/guest/libc/system.h).

use super::state::WasiState;

/// The module of functions that WASI does not have.
pub const MODULE: &str = "python_executor";

impl WasiState {
    /// A limit by its number: `enum limit` of system.h.
    pub fn limit(&self, number: i32) -> i64 {
        let (limits, used) = (self.quota.limits(), self.quota.used());
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let limit = match number {
            0 => limits.bytes,
            1 => used.bytes,
            2 => count(limits.entries),
            3 => count(used.entries),
            4 => count(limits.open),
            5 => count(self.memory),
            _ => 0,
        };
        i64::try_from(limit).unwrap_or(i64::MAX)
    }
}
