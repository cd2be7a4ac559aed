//! WASI as a guest sees it: wasmtime's, with a guard in front of what it leaves open.

use anyhow::Result;
use wasmtime::{Caller, Linker};
use wasmtime_wasi::p1;

use super::Host;

/// The module whose functions the guest imports.
const PREVIEW1: &str = "wasi_snapshot_preview1";

/// WASI's `errno` for an operation that is not permitted.
const PERM: i32 = 63;

/// Defines all that a guest may import.
///
/// # Errors
/// Never, unless wasmtime changes its names.
pub fn add_to_linker(linker: &mut Linker<Host>) -> Result<()> {
    p1::add_to_linker_async(linker, |host| &mut host.wasi)?;
    linker.allow_shadowing(true);
    // A link has no use in a directory that only one script sees, and confusing ones have caused
    // escapes elsewhere.
    linker.func_wrap(
        PREVIEW1,
        "path_link",
        |_: Caller<'_, Host>, _: i32, _: i32, _: i32, _: i32, _: i32, _: i32, _: i32| PERM,
    )?;
    linker.func_wrap(
        PREVIEW1,
        "path_symlink",
        |_: Caller<'_, Host>, _: i32, _: i32, _: i32, _: i32, _: i32| PERM,
    )?;
    Ok(())
}
