//! The store data: everything that the host keeps for one instance.

use wasmtime::{ResourceLimiter, ResourceLimiterAsync, Result};

use super::Job;
use super::cpu_time::CpuClock;
use super::memory::MemoryLimiter;
use super::output::Capture;
use super::scratch::{Permit, ScratchRoot};
use super::slots::Slot;
use super::wasi::WasiState;

/// The state of one instance and of its current step.
pub struct Host {
    pub stdout: Capture,
    pub stderr: Capture,
    pub wasi: WasiState,
    pub memory: MemoryLimiter,
    pub cpu: CpuClock,
    pub slot: Option<Slot>,
    /// How many host calls the current step may make.
    pub max_host_calls: u64,
}

impl Host {
    /// The state of an instance that has not run yet. `permit` is dropped when nothing of it is left.
    pub fn new(scratch: &ScratchRoot, permit: Permit) -> Self {
        let stdout = Capture::new("stdout");
        let stderr = Capture::new("stderr");
        let cpu = CpuClock::default();
        let mut wasi = WasiState::new(&stdout, &stderr, scratch, &cpu);
        wasi.hold(permit);
        Self {
            stdout,
            stderr,
            wasi,
            memory: MemoryLimiter::new(),
            cpu,
            slot: None,
            max_host_calls: 0,
        }
    }

    /// Sets the limits of a step and its counters to zero.
    pub fn begin(&mut self, job: &Job) {
        let live = job.live.as_ref();
        let written = live.map(|live| live.connect(&self.stdout, &self.stderr));
        self.stdout.begin(job.limits.stdout, written.clone());
        self.stderr.begin(job.limits.stderr, written);
        self.wasi.begin(job);
        self.memory.begin(job.limits.memory);
        self.max_host_calls = job.limits.host_calls;
    }

    /// Whether the current step has exceeded its host calls.
    pub fn exceeds_host_calls(&self) -> bool {
        self.wasi.calls() > self.max_host_calls
    }
}

impl Drop for Host {
    /// Runs before the instance's memory is returned to the pool: wasmtime drops a store's data first.
    #[expect(
        unsafe_code,
        reason = "changes which pages an instance's memory consists of"
    )]
    fn drop(&mut self) {
        if let Some(slot) = &self.slot
            && self.cpu.page_faults() > 0
        {
            // SAFETY: the store is being dropped, so the instance cannot be used any more.
            unsafe { slot.tidy(self.memory.in_use()) }
        }
    }
}

/// Memory growth leaves the connection's thread first: new memory is filled and copied by single instructions, and
/// one that fills 36 MB takes 15 ms.
#[wasmtime_wasi::async_trait]
impl ResourceLimiterAsync for Host {
    async fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        let is_new = current == 0;
        if !is_new {
            self.wasi.turn.leave_connection_thread().await;
        }
        self.memory.memory_growing(current, desired, maximum)
    }

    async fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        self.memory.table_growing(current, desired, maximum)
    }
}
