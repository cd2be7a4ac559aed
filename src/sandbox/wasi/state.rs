//! The state behind the host calls of one instance.

use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p1::types::Fd;
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::{GuestMemory, GuestPtr};

use super::clocks::WallClock;
use super::context::Context;
use super::quota::{DiskQuota, SCRATCH_DIRECTORY};
use super::random::Random;
use crate::sandbox::cpu_time::CpuClock;
use crate::sandbox::files::{FilePath, InputFile, OutputFile};
use crate::sandbox::job::Job;
use crate::sandbox::output::Capture;
use crate::sandbox::scratch::{Permit, ScratchRoot};
use crate::sandbox::turn::Turn;

/// The WASI state of one instance, and the counters of its host calls.
pub struct WasiState {
    /// The current turn of the run.
    pub turn: Turn,
    pub(super) context: Context,
    pub(super) quota: DiskQuota,
    pub(super) calls: u64,
    pub(super) cpu: CpuClock,
    pub(super) wall_clock: WallClock,
    pub(super) random: Random,
    /// The memory limit in bytes, for scripts that ask.
    pub(super) memory: usize,
    /// Why the host could not store data for which the quota had room.
    pub(super) failure: Option<&'static str>,
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
            wall_clock: WallClock::default(),
            random: Random::default(),
            memory: 0,
            failure: None,
        }
    }

    /// Has `permit` dropped when nothing of the instance is left, its scratch directory included.
    pub fn hold(&mut self, permit: Permit) {
        self.context.hold(permit);
    }

    /// Begins a run: sets its limits and its input, and its counters to zero.
    pub fn begin(&mut self, job: &Job) {
        self.turn = Turn::First;
        self.quota.set_limits(job.limits.files);
        self.memory = job.limits.memory;
        self.context.stdin().set(job.stdin.clone());
        self.wall_clock.begin(job.time);
        self.random.begin(job.seed);
        self.calls = 0;
        self.failure = None;
    }

    /// Writes `files` into the scratch directory before the run. Nothing happens when there are none.
    ///
    /// # Errors
    /// When the host cannot store them; [`Self::take_storage_failure`] returns the reason.
    pub async fn write_files(&mut self, files: &[InputFile]) -> wasmtime::Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        self.make_directory().await?;
        let directories = self.context.scratch().write(files).inspect_err(|_| {
            self.failure = Some("writing the files of a request");
        })?;
        self.quota.made_directories(directories);
        for file in files {
            let inode = self.inode(&file.path).await?;
            self.quota.wrote_file(inode, file.contents.len() as u64);
        }
        Ok(())
    }

    /// Returns the inode of a file as wasmtime shows it to the guest.
    async fn inode(&mut self, path: &FilePath) -> wasmtime::Result<u64> {
        let mut bytes = path.as_str().as_bytes().to_vec();
        let length = u32::try_from(bytes.len())?;
        self.p1().set_hostcall_fuel(bytes.len());
        let mut memory = GuestMemory::Unshared(&mut bytes);
        let path = GuestPtr::new((0, length));
        let found = self.look_up(&mut memory, Fd::from(SCRATCH_DIRECTORY), path);
        let found = found
            .await
            .ok_or_else(|| wasmtime::format_err!("a file of the request is gone"))?;
        Ok(found.ino)
    }

    /// Reads the files in the scratch directory that differ from `inputs`, up to `limit` bytes of contents in all.
    pub async fn read_files(
        &mut self,
        inputs: &[InputFile],
        limit: usize,
    ) -> std::io::Result<Vec<OutputFile>> {
        if !self.context.has_directory() {
            return Ok(Vec::new());
        }
        self.turn.leave_connection_thread().await;
        self.context.scratch().read(inputs, limit)
    }

    /// Bytes in the scratch directory.
    pub fn disk_bytes(&self) -> u64 {
        self.quota.used().bytes
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
    pub(super) fn p1(&mut self) -> &mut WasiP1Ctx {
        self.context.p1()
    }

    /// Makes the scratch directory unless it exists, on a thread where a slow file system blocks no connection.
    ///
    /// # Errors
    /// When it cannot be made. The error ends the run.
    pub(super) async fn make_directory(&mut self) -> wasmtime::Result<()> {
        self.turn.leave_connection_thread().await;
        self.context.make_directory()
    }
}
