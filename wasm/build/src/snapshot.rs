//! Runs the guest's start-up once and keeps what memory looks like afterwards.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use wasmtime::{Config, Engine, Linker, Module, OptLevel, Store};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{FsPerms, HostMonotonicClock, HostWallClock, WasiCtxBuilder, random};
use wasmtime_wizer::Wizer;

use crate::cache::cached;
use crate::digest::Fingerprint;
use crate::guest;

/// Bytes of stack for the start-up.
const STACK: usize = 8 << 20;

/// The guest after its `init`, as a module that starts there.
///
/// The start-up sees a clock that stands still and a source of randomness that repeats, so that the
/// same inputs make the same module.
pub fn take(linked: &[u8], work: &Path) -> Result<Vec<u8>> {
    let mut fingerprint = Fingerprint::default();
    // This file says what the start-up sees.
    fingerprint.add(linked).add(include_str!("snapshot.rs"));
    cached(work, "snapshot.wasm", &fingerprint, || run_init(linked))
}

fn run_init(linked: &[u8]) -> Result<Vec<u8>> {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::None)
        .max_wasm_stack(STACK)
        .async_stack_size(2 * STACK);
    let engine = Engine::new(&config)?;

    // Scripts find an empty directory here; so does the start-up.
    let scratch = tempfile::tempdir()?;
    let mut wasi = WasiCtxBuilder::new();
    // Its rehearsals print; that matters only when it fails.
    let output = MemoryOutputPipe::new(1 << 20);
    wasi.stdout(output.clone()).stderr(output.clone());
    wasi.envs(&[("HOME", "/tmp"), ("TMPDIR", "/tmp"), ("LANG", "C.UTF-8")]);
    wasi.preopened_dir(scratch.path(), "/tmp", FsPerms::ReadWrite)?;
    wasi.secure_random(random::Deterministic::new(vec![0x5a]));
    wasi.insecure_random(random::Deterministic::new(vec![0x5a]));
    wasi.insecure_random_seed(0);
    wasi.wall_clock(StoppedClock).monotonic_clock(StoppedClock);
    let mut store = Store::new(&engine, wasi.build_p1());

    let mut wizer = Wizer::new();
    wizer.init_func("init");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let instantiate = async |store: &mut Store<WasiP1Ctx>, module: &Module| {
        let mut linker = Linker::new(store.engine());
        p1::add_to_linker_async(&mut linker, |wasi| wasi)?;
        guest::add_limits(&mut linker)?;
        linker.instantiate_async(store, module).await
    };
    let snapshot = runtime.block_on(wizer.run(&mut store, linked, instantiate));
    snapshot.map_err(anyhow::Error::from).with_context(|| {
        let printed = String::from_utf8_lossy(&output.contents()).into_owned();
        format!("CPython did not start; it printed:\n{printed}")
    })
}

struct StoppedClock;

impl HostWallClock for StoppedClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        // 2026-01-01, so that nothing looks broken to the library's start-up.
        Duration::from_secs(1_767_225_600)
    }
}

impl HostMonotonicClock for StoppedClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}
