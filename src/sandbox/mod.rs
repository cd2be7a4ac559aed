//! Runs a script in a fresh CPython inside wasmtime and says what came of it.
//!
//! Nothing outside this module knows about WebAssembly. A run's way: [`Sandbox::run`] makes a
//! store, `guest` hands the script over and takes the answer, `meter` and
//! the clocks watch it, and `verdict` says what it comes to.

mod engine;
mod guest;
mod json;
mod limits;
mod memory;
mod meter;
mod module_config;
mod outcome;
mod output;
#[cfg_attr(not(target_os = "linux"), path = "no_page_map.rs")]
mod page_map;
mod processor;
mod scratch;
mod slots;
mod turn;
mod verdict;
mod wasi;

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::oneshot;
use wasmtime::{InstancePre, Linker, Store};

use self::engine::Ticker;
use self::guest::{Guest, Stream};
use self::memory::MemoryLimiter;
use self::meter::{CpuClock, OutOfTime, metered};
use self::output::Capture;
use self::scratch::{Permit, ScratchRoot};
use self::slots::{Slot, Slots};
use self::turn::{FIRST_TURN, Turn};
use self::wasi::{Context, Guard};
pub use engine::{ADDRESS_SPACE, page_scan_available};
pub use limits::{FileLimits, Limits};
pub use outcome::{Failure, Outcome, Usage};
pub use scratch::Unavailable as StorageUnavailable;
pub use turn::SHORT_TEXT;

/// How many ticks a guest has, when it has been stopped, to tell what it has printed; and the time within
/// which it must be done. It takes microseconds.
const LAST_TURN: u64 = 50;
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A loaded CPython, ready to make fresh instances of itself.
pub struct Sandbox {
    python: InstancePre<Host>,
    limits: Limits,
    scratch: ScratchRoot,
    slots: Option<Arc<Slots>>,
    ticker: Ticker,
}

/// What the host keeps for one run.
struct Host {
    wasi: Context,
    memory: MemoryLimiter,
    turn: Turn,
    guard: Guard,
    cpu: CpuClock,
    slot: Option<Slot>,
}

impl Drop for Host {
    /// Comes before the instance's end: wasmtime drops a store's data first.
    #[expect(
        unsafe_code,
        reason = "changes which pages an instance's memory consists of"
    )]
    fn drop(&mut self) {
        if let Some(slot) = &self.slot
            && self.cpu.page_faults() > 0
        {
            // SAFETY: the store is being dropped, so nobody can use the instance any more.
            unsafe { slot.tidy(self.memory.in_use()) }
        }
    }
}

impl Host {
    /// Why the host could not store what the script wrote, though that was within its limits.
    fn storage_failure(&mut self) -> Option<String> {
        let no_directory = self.wasi.take_failure();
        let no_directory =
            no_directory.map(|error| format!("making a temporary directory: {error:#}"));
        no_directory.or_else(|| self.guard.failure.map(str::to_owned))
    }
}

impl Sandbox {
    /// Loads the precompiled CPython at `python`, with room for `slots` runs at once. Scratch
    /// directories are made in `temp_root`, or in the system's directory for temporary files.
    ///
    /// # Errors
    /// When the file is missing, was made for another wasmtime or processor, or the room cannot
    /// be reserved; the message says what to do.
    pub fn load(
        python: &Path,
        limits: Limits,
        slots: u32,
        temp_root: Option<&Path>,
    ) -> Result<Self> {
        processor::check()?;
        let engine = engine::new(slots, limits.memory)?;
        let module = engine::load_module(&engine, python)?;
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker)?;
        Ok(Self {
            python: linker.instantiate_pre(&module)?,
            limits,
            scratch: ScratchRoot::new(temp_root)?,
            slots: Slots::new(),
            ticker: Ticker::start(&engine)?,
        })
    }

    /// Runs `script` in an interpreter of its own. Dropping the future cancels the run. `permit` is
    /// dropped when nothing of the run is left, its directory included; that can be later.
    ///
    /// The first poll of the future is short, whatever the script does; later ones may not be.
    pub async fn run(&self, script: &str, permit: impl Send + 'static) -> Outcome {
        let stdout = Capture::new("stdout", self.limits.stdout);
        let stderr = Capture::new("stderr", self.limits.stderr);
        let mut usage = Usage::default();
        let permit = Box::new(permit);
        let attempt = self.attempt(script, permit, &stdout, &stderr, &mut usage);
        let result = match attempt.await {
            Ok(result) => result,
            Err(error) => Err(Failure::Internal(format!("{error:#}"))),
        };
        Outcome {
            result,
            stdout: stdout.into_text(),
            stderr: stderr.into_text(),
            usage,
        }
    }

    /// Runs `script` and waits until nothing of the run is left.
    pub async fn run_and_clean_up(&self, script: &str) -> Outcome {
        let (permit, dropped) = oneshot::channel::<()>();
        let outcome = self.run(script, permit).await;
        // It never sends: its end is what is waited for.
        let _ = dropped.await;
        outcome
    }

    /// Whether the host can store what a run may write.
    ///
    /// # Errors
    /// When a run has found that it cannot, and that is not over.
    pub fn check_storage(&self) -> Result<(), StorageUnavailable> {
        self.scratch.check(self.limits.files.bytes)
    }

    /// Errors are the service's own; what a script does is in the result.
    async fn attempt(
        &self,
        script: &str,
        permit: Permit,
        stdout: &Capture,
        stderr: &Capture,
        usage: &mut Usage,
    ) -> Result<Result<Box<serde_json::value::RawValue>, Failure>> {
        let started = Instant::now();
        let mut store = self.store(stdout, stderr);
        store.data_mut().wasi.hold(permit);
        let instance = self.python.instantiate_async(&mut store).await?;
        let guest = Guest::new(&mut store, &instance)?;
        let slots = self.slots.as_ref();
        store.data_mut().slot = slots.map(|slots| Slot::new(slots, guest.memory(&store)));
        usage.start = started.elapsed();

        let _running = self.ticker.running();
        let started = Instant::now();
        let ended = self.call(&guest, &mut store, script).await;
        usage.run = started.elapsed();
        let host = store.data_mut();
        usage.cpu = host.cpu.used();
        usage.memory = host.memory.in_use();
        let storage_failure = host.storage_failure();
        if !matches!(ended, Ended::Answered(_)) {
            host.turn.leave_connection_thread().await;
            take_unwritten(&guest, &mut store, [stdout, stderr]).await;
        }
        if let Some(why) = storage_failure {
            self.scratch.failed(&why);
            return Ok(Err(Failure::Unavailable(why)));
        }
        let host = store.data_mut();
        if stdout.len() + stderr.len() > SHORT_TEXT {
            host.turn.leave_connection_thread().await;
        }
        Ok(match ended {
            _ if host.guard.calls > self.limits.host_calls => {
                Err(Failure::HostCallLimit(self.limits.host_calls))
            }
            Ended::Answered(answer) => verdict::of_answer(answer, &self.limits),
            Ended::Died(error) => Err(verdict::of_error(
                &error,
                &self.limits,
                host.memory.is_starved(),
            )),
            Ended::OutOfCpu => Err(Failure::CpuLimit(self.limits.cpu)),
            Ended::OutOfWall => Err(Failure::WallLimit(self.limits.wall)),
        })
    }

    /// A store for one run, with all that limits it.
    fn store(&self, stdout: &Capture, stderr: &Capture) -> Store<Host> {
        let host = Host {
            wasi: Context::new(stdout, stderr, &self.scratch),
            memory: MemoryLimiter::new(self.limits.memory),
            turn: Turn::First,
            guard: Guard::new(self.limits.files),
            cpu: CpuClock::default(),
            slot: None,
        };
        let mut store = Store::new(self.python.module().engine(), host);
        store.limiter_async(|host| host);
        let most_calls = self.limits.host_calls;
        store.epoch_deadline_callback(move |mut store| {
            wasmtime::ensure!(
                store.data().guard.calls <= most_calls,
                "too many host calls"
            );
            Ok(store.data_mut().turn.deadline_reached())
        });
        store.set_epoch_deadline(FIRST_TURN);
        store
    }

    /// Lets the guest run until it ends or a clock ends it.
    async fn call(&self, guest: &Guest, store: &mut Store<Host>, script: &str) -> Ended {
        let cpu = store.data().cpu.clone();
        let run = pin!(guest.run(store, script, self.limits.result));
        match tokio::time::timeout(self.limits.wall, metered(run, &cpu, self.limits.cpu)).await {
            Ok(Ok(Ok(answer))) => Ended::Answered(answer),
            Ok(Ok(Err(error))) => Ended::Died(error),
            Ok(Err(OutOfTime)) => Ended::OutOfCpu,
            Err(_elapsed) => Ended::OutOfWall,
        }
    }
}

/// Takes what the script had printed and Python still holds, after a run that did not come to its end.
/// The guest may be in any state: what it does not tell at once stays untold.
async fn take_unwritten(guest: &Guest, store: &mut Store<Host>, streams: [&Capture; 2]) {
    store.set_epoch_deadline(LAST_TURN);
    for (stream, capture) in [Stream::Stdout, Stream::Stderr].into_iter().zip(streams) {
        let telling = guest.unwritten(&mut *store, stream, capture.room());
        if let Ok(Ok(bytes)) = tokio::time::timeout(LAST_WORDS, telling).await {
            // There is no more than there is room for.
            let _ = capture.append(&bytes);
        }
    }
}

/// How a guest's call ended.
enum Ended {
    Answered(guest::Answer),
    Died(wasmtime::Error),
    OutOfCpu,
    OutOfWall,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole memory of an instance that has not run yet.
    async fn fresh_memory(sandbox: &Sandbox) -> Result<Vec<u8>> {
        let output = Capture::new("stdout", 0);
        let mut store = sandbox.store(&output, &output);
        let instance = sandbox.python.instantiate_async(&mut store).await?;
        let memory = instance.get_memory(&mut store, "memory");
        Ok(memory
            .map(|memory| memory.data(&store).to_vec())
            .unwrap_or_default())
    }

    /// Of each page of an instance's memory, whether it is mapped, and whether it is a file's.
    #[cfg(target_os = "linux")]
    fn page_table(memory: *const [u8]) -> Result<Vec<(bool, bool)>> {
        use std::io::{Read, Seek, SeekFrom};

        // Of the page table's entries: https://docs.kernel.org/admin-guide/mm/pagemap.html
        const ENTRY: usize = 8;
        const PRESENT: u64 = 1 << 63;
        const OF_A_FILE: u64 = 1 << 61;
        let page = rustix::param::page_size();
        let mut table = std::fs::File::open("/proc/self/pagemap")?;
        let first = memory.cast::<u8>().addr() / page;
        table.seek(SeekFrom::Start((first * ENTRY) as u64))?;
        let mut entries = vec![0; memory.len() / page * ENTRY];
        table.read_exact(&mut entries)?;
        let entries = entries.as_chunks().0.iter().map(|entry| {
            let entry = u64::from_ne_bytes(*entry);
            (entry & PRESENT != 0, entry & OF_A_FILE != 0)
        });
        Ok(entries.collect())
    }

    /// The pages of an instance's memory that are its own: those that have been written to.
    #[cfg(target_os = "linux")]
    fn changed_pages(memory: &[u8]) -> Result<Vec<usize>> {
        let entries = page_table(memory)?;
        let own = entries.into_iter().enumerate();
        let own = own.filter(|(_, (present, of_a_file))| *present && !of_a_file);
        Ok(own.map(|(number, _)| number).collect())
    }

    /// The pages of memory at which a script has a page fault, or more than one.
    #[cfg(target_os = "linux")]
    async fn faulting_pages(sandbox: &Sandbox, script: &str) -> Result<Vec<usize>> {
        let output = Capture::new("stdout", 100);
        let mut store = sandbox.store(&output, &output);
        let instance = sandbox.python.instantiate_async(&mut store).await?;
        let guest = Guest::new(&mut store, &instance)?;
        let before = page_table(guest.memory(&store))?;
        guest.run(&mut store, script, 100).await?;
        let after = page_table(guest.memory(&store))?;
        let pairs = before.iter().zip(&after).enumerate();
        let changed = pairs.filter(|(_, (before, after))| before != after);
        Ok(changed.map(|(number, _)| number).collect())
    }

    /// Bytes of linear memory that a short script may leave in use; the rest of the limit is for
    /// scripts that need more.
    #[cfg(target_os = "linux")]
    const MOST_AFTER_HELLO: usize = 14_000_000;

    /// Every page costs a copy and a reset. wasmtime resets no more than 32 stretches of them in place
    /// (`MAX_REGIONS` of its pagemap module) and has the others fault again in the next run.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_short_script_changes_few_pages() -> Result<()> {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("wasm/python.cwasm");
        let sandbox = Sandbox::load(&python, Limits::default(), 1, None)?;
        let output = Capture::new("stdout", 100);
        let mut store = sandbox.store(&output, &output);
        let instance = sandbox.python.instantiate_async(&mut store).await?;
        let guest = Guest::new(&mut store, &instance)?;
        let script = "def main():\n    print('hi')\n    return {'answer': 42}\n";
        guest.run(&mut store, script, 100).await?;
        let memory = instance.get_memory(&mut store, "memory");
        let memory = memory.map(|memory| memory.data(&store));
        let memory = memory.unwrap_or_default();
        assert!(memory.len() <= MOST_AFTER_HELLO, "{} bytes", memory.len());
        let pages = changed_pages(memory)?;
        let stretches = pages.windows(2).filter(|pair| pair[0] + 1 != pair[1]);
        let stretches = stretches.count() + 1;
        assert!((10..=45).contains(&pages.len()), "{pages:?}");
        assert!(stretches < 30, "{pages:?}");
        assert!(!store.data().wasi.has_directory());
        Ok(())
    }

    /// Prints and returns something.
    const HELLO: &str = "def main():\n    print('hi')\n    return {'answer': 42}\n";

    /// Scripts that change many pages, each in its own way.
    const RICH: &[&str] = &[
        "kept = [str(n) for n in range(300_000)]\ndef main(): return 1",
        "def main(): return len(b'secret' * 5_000_000)",
        "import sys\nsys.setrecursionlimit(10**9)\ndef main(): return main()",
        "def main():\n    while True: bytearray(1 << 20)",
        "import gc\ndef main():\n    for thing in gc.get_objects():\n        \
         if isinstance(thing, dict): thing['secret'] = 'secret'",
        "import os\ndef main(): os._exit(3)",
        "def main(): return 1 / 0",
        "import dataclasses, enum, doctest\n@dataclasses.dataclass\nclass A: x: int\n\
         def main(): return repr(A(1))",
    ];

    #[tokio::test]
    async fn a_slot_that_is_used_again_holds_nothing_of_its_past() -> Result<()> {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("wasm/python.cwasm");
        let sandbox = Sandbox::load(&python, Limits::default(), 1, None)?;
        let pristine = fresh_memory(&sandbox).await?;
        assert!(pristine.len() > 1 << 20);
        for script in [HELLO].iter().chain(RICH) {
            sandbox.run_and_clean_up(script).await;
            let memory = fresh_memory(&sandbox).await?;
            let difference = pristine.iter().zip(&memory).position(|(was, is)| was != is);
            assert_eq!(
                (memory.len(), difference),
                (pristine.len(), None),
                "{script}"
            );
        }
        Ok(())
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_short_script_has_no_page_faults_after_a_rich_one() -> Result<()> {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("wasm/python.cwasm");
        let sandbox = Sandbox::load(&python, Limits::default(), 1, None)?;
        if !page_scan_available() {
            return Ok(());
        }
        sandbox.run_and_clean_up(HELLO).await;
        for script in RICH {
            sandbox.run_and_clean_up(script).await;
            for turn in 1..=3 {
                let pages = faulting_pages(&sandbox, HELLO).await?;
                assert_eq!(pages, [0; 0], "hello number {turn} after {script}");
            }
        }
        Ok(())
    }
}
