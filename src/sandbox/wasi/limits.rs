//! The run's limits as the guest may ask for them, for `os.statvfs` and its like (wasm/guest/system.h is the
//! other side).

use anyhow::Result;
use wasmtime::{Caller, Linker};

use super::super::host::Host;

/// The module of functions that WASI does not have.
const MODULE: &str = "python_executor";

/// Puts `limit` beside WASI's functions.
///
/// # Errors
/// Never, unless it is defined already.
pub fn add(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(
        MODULE,
        "limit",
        |mut caller: Caller<'_, Host>, which: i32| {
            let host = caller.data_mut();
            host.guard.calls += 1;
            i64::try_from(limit(host, which)).unwrap_or(i64::MAX)
        },
    )?;
    Ok(())
}

/// A limit by its number; `enum limit` of system.h.
fn limit(host: &Host, which: i32) -> u64 {
    let (limits, used) = (host.guard.quota.limits(), host.guard.quota.used());
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    match which {
        0 => limits.bytes,
        1 => used.bytes,
        2 => count(limits.entries),
        3 => count(used.entries),
        4 => count(limits.open),
        5 => count(host.memory.limit()),
        _ => 0,
    }
}
