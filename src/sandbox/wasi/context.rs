//! wasmtime's WASI state, to which the scratch directory comes with the first call that depends on it.
//!
//! Making, opening and removing a directory takes a good part of the time of a short script, and most scripts open
//! no file.

use anyhow::{Error, Result};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::clocks::RunClock;
use super::stdin::Stdin;
use crate::sandbox::output::Capture;
use crate::sandbox::scratch::{Permit, Scratch, ScratchRoot};

/// The path of the scratch directory in the guest.
const GUEST_DIRECTORY: &str = "/tmp";

/// The state of one instance.
pub struct Context {
    p1: WasiP1Ctx,
    outside: Outside,
    scratch: Scratch,
    has_directory: bool,
    failure: Option<Error>,
}

/// Everything outside of wasmtime's state that it refers to. It stays the same when that state is built anew.
struct Outside {
    stdin: Stdin,
    stdout: Capture,
    stderr: Capture,
    clock: RunClock,
}

impl Context {
    /// The state of an instance that has not run yet.
    pub fn new(stdout: &Capture, stderr: &Capture, root: &ScratchRoot) -> Self {
        let outside = Outside {
            stdin: Stdin::default(),
            stdout: stdout.clone(),
            stderr: stderr.clone(),
            clock: RunClock::start(),
        };
        Self {
            p1: outside.builder().build_p1(),
            outside,
            scratch: root.reserve(),
            has_directory: false,
            failure: None,
        }
    }

    /// Has `permit` dropped when nothing of the instance is left.
    pub fn hold(&mut self, permit: Permit) {
        self.scratch.hold(permit);
    }

    /// wasmtime's implementation of preview 1.
    pub fn p1(&mut self) -> &mut WasiP1Ctx {
        &mut self.p1
    }

    /// Makes the scratch directory unless it exists. All descriptors are the initial ones until then: this builds
    /// wasmtime's state anew.
    ///
    /// # Errors
    /// When it cannot be made, now or earlier. The error ends the run.
    pub fn make_directory(&mut self) -> wasmtime::Result<()> {
        if !self.has_directory && self.failure.is_none() {
            match self.with_directory() {
                Ok(p1) => {
                    self.p1 = p1;
                    self.has_directory = true;
                }
                Err(error) => self.failure = Some(error),
            }
        }
        wasmtime::ensure!(self.failure.is_none(), "there is no scratch directory");
        Ok(())
    }

    fn with_directory(&mut self) -> Result<WasiP1Ctx> {
        let mut builder = self.outside.builder();
        let path = self.scratch.make()?;
        builder.preopened_dir(&path, GUEST_DIRECTORY, FsPerms::ReadWrite)?;
        Ok(builder.build_p1())
    }

    /// The stream behind descriptor 0.
    pub fn stdin(&self) -> &Stdin {
        &self.outside.stdin
    }

    /// The monotonic clock.
    pub fn clock(&self) -> RunClock {
        self.outside.clock
    }

    /// The scratch directory.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Whether the scratch directory exists.
    pub fn has_directory(&self) -> bool {
        self.has_directory
    }

    /// Takes the reason why the scratch directory could not be made.
    pub fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }
}

impl Outside {
    fn builder(&self) -> WasiCtxBuilder {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdin(self.stdin.clone());
        wasi.stdout(self.stdout.clone());
        wasi.stderr(self.stderr.clone());
        wasi.monotonic_clock(self.clock);
        // File calls run on the guest's thread, so that they are charged to it; the guard bounds those that could
        // block for long. A directory takes this setting over when it is added.
        wasi.allow_blocking_current_thread(true);
        wasi
    }
}
