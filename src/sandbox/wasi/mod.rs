//! WASI preview 1 for the guest: wasmtime-wasi's implementation behind a guard.
//!
//! wasmtime-wasi bounds neither descriptors nor bytes nor directory entries, and has functions whose work is not
//! charged to the guest. Every call of the guest passes three files: `linker` counts it and converts its arguments,
//! `preview1` decides about it, and `context` holds wasmtime's own state.
//!
//! | file | holds |
//! |---|---|
//! | `linker` | the table of all functions that a guest may import |
//! | `preview1` | every function of preview 1: passed on, guarded, or our own |
//! | `files`, `paths`, `blocking` | the checks of `preview1`: descriptors and sizes, names, time |
//! | `quota` | the accounting of descriptors, bytes and directory entries |
//! | `context` | wasmtime's state, and the scratch directory that comes with its first use |
//! | `stdin` | the stream behind descriptor 0 |
//! | `clocks`, `limits` | the run's own clock; the limits that a script may ask for |

mod blocking;
mod clocks;
mod context;
mod files;
mod limits;
mod linker;
mod paths;
mod preview1;
mod quota;
mod stdin;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use wasmtime_wasi::p1::WasiP1Ctx;

use self::context::Context;
pub use self::linker::add_to_linker;
use self::quota::DiskQuota;
pub use self::quota::FileLimits;
use super::cpu_time::CpuClock;
use super::output::Capture;
use super::scratch::{Permit, ScratchRoot};
use super::turn::Turn;

/// The WASI state of one instance, and the counters of its host calls.
pub struct WasiState {
    /// The current turn of the run.
    pub turn: Turn,
    context: Context,
    quota: DiskQuota,
    calls: u64,
    cpu: CpuClock,
    /// The memory limit in bytes, for scripts that ask.
    memory: usize,
    /// Why the host could not store data for which the quota had room.
    failure: Option<&'static str>,
}

impl WasiState {
    /// The state of an instance that has not run yet. `cpu` is the clock of its processor time.
    pub fn new(stdout: &Capture, stderr: &Capture, scratch: &ScratchRoot, cpu: &CpuClock) -> Self {
        Self {
            turn: Turn::First,
            context: Context::new(stdout, stderr, scratch),
            quota: DiskQuota::default(),
            calls: 0,
            cpu: cpu.clone(),
            memory: 0,
            failure: None,
        }
    }

    /// Has `permit` dropped when nothing of the instance is left, its scratch directory included.
    pub fn hold(&mut self, permit: Permit) {
        self.context.hold(permit);
    }

    /// Begins a run: sets its limits and its stdin, and its counters to zero.
    pub fn begin(&mut self, files: FileLimits, memory: usize, stdin: Bytes) {
        self.turn = Turn::First;
        self.quota.set_limits(files);
        self.memory = memory;
        self.context.stdin().set(stdin);
        self.calls = 0;
        self.failure = None;
    }

    /// The host calls of the run so far.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Takes the reason why the host could not store data that was within the run's limits, if that happened.
    pub fn take_storage_failure(&mut self) -> Option<String> {
        let no_directory = self.context.take_failure();
        let no_directory =
            no_directory.map(|error| format!("making a temporary directory: {error:#}"));
        no_directory.or_else(|| self.failure.take().map(str::to_owned))
    }

    /// Whether the scratch directory exists.
    #[cfg(test)]
    pub fn has_directory(&self) -> bool {
        self.context.has_directory()
    }

    /// wasmtime's implementation.
    fn p1(&mut self) -> &mut WasiP1Ctx {
        self.context.p1()
    }

    /// Makes the scratch directory unless it exists, on a thread where a slow file system blocks no connection.
    ///
    /// # Errors
    /// When it cannot be made. The error ends the run.
    async fn make_directory(&mut self) -> wasmtime::Result<()> {
        self.turn.leave_connection_thread().await;
        self.context.make_directory()
    }
}
