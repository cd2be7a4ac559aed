//! The one clock that wasmtime-wasi does not have: that of the processor time a run has used.

use anyhow::Result;
use wasmtime::{Caller, Linker};
use wasmtime_wasi::p1::types::{Clockid, Errno};
use wasmtime_wasi::p1::wasi_snapshot_preview1 as preview1;
use wiggle::GuestPtr;

use super::{Call, Host, PREVIEW1, errno};

/// Puts the clock beside wasmtime's own.
///
/// # Errors
/// Never, unless wasmtime changes its names.
pub fn add(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(
        PREVIEW1,
        "clock_time_get",
        |mut caller: Caller<'_, Host>, id: i32, precision: i64, to: i32| {
            let used = caller.data().cpu.clone();
            let mut call = Call::new(&mut caller)?;
            if id != Clockid::ProcessCputimeId as i32 {
                return preview1::clock_time_get(call.wasi, &mut call.memory, id, precision, to);
            }
            let now = u64::try_from(used.now().as_nanos())?;
            call.memory.write(GuestPtr::new(to.cast_unsigned()), now)?;
            Ok(errno(Errno::Success))
        },
    )?;
    Ok(())
}
