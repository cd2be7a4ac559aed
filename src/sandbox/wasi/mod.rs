//! WASI as a guest sees it: wasmtime's, with a guard in front of what that leaves open.
//!
//! wasmtime-wasi bounds neither descriptors nor bytes nor entries, and knows calls whose work the
//! guest does not pay for. The functions that matter are put in front of its own: each looks at
//! the [`Quota`], lets wasmtime do the work and notes what came of it. Their signatures are those of
//! `wasi_snapshot_preview1`, in which every argument is a number.

mod clocks;
mod context;
mod descriptors;
mod files;
mod limits;
mod paths;
mod quota;
mod waiting;

use anyhow::Result;
use wasmtime::{AsContextMut, Caller, Linker};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p1::types::{self, Errno};
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wiggle::{GuestError, GuestMemory};

use self::clocks::LifeClock;
pub use self::context::Context;
pub use self::quota::{FileLimits, Quota};
use super::cpu_time::CpuClock;
use super::host::Host;
use super::turn::Turn;

/// The module whose functions the guest imports.
const PREVIEW1: &str = "wasi_snapshot_preview1";

/// What guards one run's calls.
pub struct Guard {
    /// What it does to its scratch directory.
    pub quota: Quota,
    /// How many calls it has made.
    pub calls: u64,
    /// Why the host could not store something for which the quota had room.
    pub failure: Option<&'static str>,
}

impl Guard {
    /// For an instance that has not run yet.
    pub fn new() -> Self {
        Self {
            quota: Quota::new(),
            calls: 0,
            failure: None,
        }
    }

    /// Sets the limits of a step, and its counters to zero.
    pub fn begin(&mut self, limits: FileLimits) {
        self.quota.set_limits(limits);
        self.calls = 0;
        self.failure = None;
    }
}

/// Defines all that a guest may import.
///
/// # Errors
/// Never, unless wasmtime changes its names.
pub fn add_to_linker(linker: &mut Linker<Host>) -> Result<()> {
    // Every function that takes a descriptor is replaced below.
    p1::add_to_linker_async(linker, |host: &mut Host| {
        host.guard.calls += 1;
        host.wasi.streams()
    })?;
    linker.allow_shadowing(true);
    clocks::add(linker)?;
    descriptors::add(linker)?;
    files::guard(linker)?;
    limits::add(linker)?;
    paths::guard(linker)?;
    waiting::guard(linker)?;
    refuse_links(linker)?;
    // wasmtime refuses codes of 126 and more, which shells give a meaning of their own.
    linker.func_wrap(PREVIEW1, "proc_exit", |_: Caller<'_, Host>, code: i32| {
        wasmtime::Result::<()>::Err(I32Exit(code).into())
    })?;
    Ok(())
}

/// A guest's memory and the state behind its calls.
struct Call<'a> {
    memory: GuestMemory<'a>,
    wasi: &'a mut WasiP1Ctx,
    quota: &'a mut Quota,
    failure: &'a mut Option<&'static str>,
    turn: &'a mut Turn,
    cpu: &'a CpuClock,
    clock: LifeClock,
}

/// How calls fail when the host cannot store something, and why that is.
const HOST_FAILURES: [(Errno, &str); 4] = [
    (Errno::Nospc, "no space left on the device"),
    (Errno::Dquot, "disk quota exceeded"),
    (Errno::Rofs, "read-only file system"),
    // wasmtime-wasi returns this for errors that it has no name for, such as the two before.
    (
        Errno::Io,
        "quota exceeded, read-only file system or input/output error",
    ),
];

impl<'a> Call<'a> {
    /// A call to which it is all the same whether there is a scratch directory.
    fn new(caller: &'a mut Caller<'_, Host>) -> wasmtime::Result<Self> {
        Self::with(caller, |context| Ok(context.streams()))
    }

    /// A call that can tell. File systems can be slow, so it is never made in the first turn.
    async fn of_files(caller: &'a mut Caller<'_, Host>) -> wasmtime::Result<Self> {
        caller.data_mut().turn.leave_connection_thread().await;
        Self::with(caller, Context::files)
    }

    fn with(
        caller: &'a mut Caller<'_, Host>,
        part: fn(&mut Context) -> wasmtime::Result<&mut WasiP1Ctx>,
    ) -> wasmtime::Result<Self> {
        let fuel = caller.as_context_mut().hostcall_fuel();
        let memory = caller
            .get_export("memory")
            .and_then(wasmtime::Extern::into_memory);
        let memory = memory.ok_or_else(|| wasmtime::format_err!("the guest has no memory"))?;
        let (memory, host) = memory.data_and_store_mut(caller);
        let clock = host.wasi.clock();
        let wasi = part(&mut host.wasi)?;
        wasi.set_hostcall_fuel(fuel);
        host.guard.calls += 1;
        Ok(Self {
            memory: GuestMemory::Unshared(memory),
            wasi,
            quota: &mut host.guard.quota,
            failure: &mut host.guard.failure,
            turn: &mut host.turn,
            cpu: &host.cpu,
            clock,
        })
    }

    /// Ends the run if a call that the quota allows has failed because of the host: no script can
    /// know what to do about that.
    fn check_host(&mut self, answer: i32) -> wasmtime::Result<()> {
        let failed = HOST_FAILURES
            .iter()
            .find(|(code, _)| errno(*code) == answer);
        if let Some((_, why)) = failed {
            *self.failure = Some(why);
            wasmtime::bail!("the host cannot store files");
        }
        Ok(())
    }
}

fn errno(errno: Errno) -> i32 {
    i32::from(u16::from(errno))
}

/// Turns an argument that its type does not allow, such as an unknown clock or flag, into an error number.
/// wiggle ends the run instead.
fn answered(answer: wasmtime::Result<i32>) -> wasmtime::Result<i32> {
    answer.or_else(|error| {
        let mut error = error.downcast::<GuestError>()?;
        while let GuestError::InFunc { err, .. } = error {
            error = *err;
        }
        match error {
            // The argument is larger than any value of its type.
            GuestError::TryFromIntError(_) => Ok(errno(Errno::Inval)),
            error => Ok(errno(types::Error::from(error).downcast()?)),
        }
    })
}

/// Whether a call has done what it should.
fn succeeded(answer: i32) -> bool {
    answer == errno(Errno::Success)
}

/// A link has no use in a directory that only one script sees, and links have led out of sandboxes.
fn refuse_links(linker: &mut Linker<Host>) -> Result<()> {
    let refuse = |mut caller: Caller<'_, Host>| {
        caller.data_mut().guard.calls += 1;
        errno(Errno::Perm)
    };
    linker.func_wrap(
        PREVIEW1,
        "path_link",
        move |caller: Caller<'_, Host>, _: i32, _: i32, _: i32, _: i32, _: i32, _: i32, _: i32| {
            refuse(caller)
        },
    )?;
    linker.func_wrap(
        PREVIEW1,
        "path_symlink",
        move |caller: Caller<'_, Host>, _: i32, _: i32, _: i32, _: i32, _: i32| refuse(caller),
    )?;
    Ok(())
}
