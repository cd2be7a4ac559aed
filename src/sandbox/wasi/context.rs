//! WASI's own state, to which the scratch directory comes with the first call that could see it.
//!
//! Making, opening and removing a directory costs as much as a good part of a short script, and most
//! scripts open no file.

use anyhow::{Error, Result};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::clocks::LifeClock;
use crate::sandbox::output::Capture;
use crate::sandbox::scratch::{Permit, Scratch, ScratchRoot};

/// Where a script finds its scratch directory.
const GUEST_DIRECTORY: &str = "/tmp";

/// One run's state.
pub struct Context {
    wasi: WasiP1Ctx,
    stdout: Capture,
    stderr: Capture,
    clock: LifeClock,
    scratch: Scratch,
    has_directory: bool,
    failure: Option<Error>,
}

impl Context {
    /// For a run that has not begun.
    pub fn new(stdout: &Capture, stderr: &Capture, root: &ScratchRoot) -> Self {
        let clock = LifeClock::start();
        Self {
            wasi: builder(stdout, stderr, clock).build_p1(),
            stdout: stdout.clone(),
            stderr: stderr.clone(),
            clock,
            scratch: root.later(),
            has_directory: false,
            failure: None,
        }
    }

    /// Has `permit` dropped when everything of the run is gone.
    pub fn hold(&mut self, permit: Permit) {
        self.scratch.hold(permit);
    }

    /// For calls to which it is all the same whether there is a directory.
    pub fn streams(&mut self) -> &mut WasiP1Ctx {
        &mut self.wasi
    }

    /// For calls that can tell, those that close or renumber a stream included: only while streams
    /// are as they were at the start can others take their place. An error ends the run.
    pub fn files(&mut self) -> wasmtime::Result<&mut WasiP1Ctx> {
        if !self.has_directory && self.failure.is_none() {
            match self.with_directory() {
                Ok(wasi) => {
                    self.wasi = wasi;
                    self.has_directory = true;
                }
                Err(error) => self.failure = Some(error),
            }
        }
        wasmtime::ensure!(self.failure.is_none(), "there is no scratch directory");
        Ok(&mut self.wasi)
    }

    fn with_directory(&mut self) -> Result<WasiP1Ctx> {
        let mut builder = builder(&self.stdout, &self.stderr, self.clock);
        let path = self.scratch.make()?;
        builder.preopened_dir(&path, GUEST_DIRECTORY, FsPerms::ReadWrite)?;
        Ok(builder.build_p1())
    }

    /// The clock of the run's life.
    pub fn clock(&self) -> LifeClock {
        self.clock
    }

    /// Whether there is a directory by now.
    #[cfg(test)]
    pub fn has_directory(&self) -> bool {
        self.has_directory
    }

    /// Why there could be no directory when one was wanted. The script has run without.
    pub fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }
}

fn builder(stdout: &Capture, stderr: &Capture, clock: LifeClock) -> WasiCtxBuilder {
    let mut wasi = WasiCtxBuilder::new();
    wasi.stdout(stdout.clone()).stderr(stderr.clone());
    wasi.monotonic_clock(clock);
    // File calls run where the guest does, so that it pays for them with its own time; what could
    // block for long is kept from wasmtime by the guard. A directory takes this over when it is added.
    wasi.allow_blocking_current_thread(true);
    wasi
}
