//! Runs the guest's start-up once and keeps what memory looks like afterwards.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use wasmtime::{Config, Engine, Instance, Linker, Module, OptLevel, Store, Val};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{FsPerms, HostMonotonicClock, HostWallClock, WasiCtxBuilder, random};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

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
    // Its warm-up scripts print; that matters only when it fails.
    let output = MemoryOutputPipe::new(1 << 20);
    wasi.stdout(output.clone()).stderr(output.clone());
    wasi.envs(&[("HOME", "/tmp"), ("TMPDIR", "/tmp"), ("LANG", "C.UTF-8")]);
    wasi.preopened_dir(scratch.path(), "/tmp", FsPerms::ReadWrite)?;
    wasi.secure_random(random::Deterministic::new(vec![0x5a]));
    wasi.insecure_random(random::Deterministic::new(vec![0x5a]));
    wasi.insecure_random_seed(0);
    wasi.wall_clock(StoppedClock).monotonic_clock(StoppedClock);
    let mut wizer = Wizer::new();
    wizer.init_func("init");
    let snapshot = async {
        let (context, instrumented) = wizer.instrument(linked)?;
        let module = Module::new(&engine, &instrumented)?;
        let mut linker = Linker::new(&engine);
        p1::add_to_linker_async(&mut linker, |wasi| wasi)?;
        guest::add_limits(&mut linker)?;
        let mut store = Store::new(&engine, wasi.build_p1());
        let instance = linker.instantiate_async(&mut store, &module).await?;
        for function in ["_initialize", "init"] {
            let function = instance.get_typed_func::<(), ()>(&mut store, function)?;
            function.call_async(&mut store, ()).await?;
        }
        let mut started = Started { store, instance };
        wizer.snapshot(&context, &mut started).await
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(snapshot)
        .map_err(anyhow::Error::from)
        .with_context(|| {
            let printed = String::from_utf8_lossy(&output.contents()).into_owned();
            format!("CPython did not start; it printed:\n{printed}")
        })
}

/// The guest after its start-up. Wizer's own implementation would turn on features of wasmtime that nothing here
/// needs and that take a minute to compile.
struct Started {
    store: Store<WasiP1Ctx>,
    instance: Instance,
}

impl InstanceState for Started {
    async fn global_get(&mut self, name: &str, _: ValType) -> SnapshotVal {
        let global = self.instance.get_global(&mut self.store, name);
        match global.map(|global| global.get(&mut self.store)) {
            Some(Val::I32(value)) => SnapshotVal::I32(value),
            Some(Val::I64(value)) => SnapshotVal::I64(value),
            Some(Val::F32(value)) => SnapshotVal::F32(value),
            Some(Val::F64(value)) => SnapshotVal::F64(value),
            Some(Val::V128(value)) => SnapshotVal::V128(value.as_u128()),
            other => unreachable!("wizer exports all globals; {name} is {other:?}"),
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        let memory = self.instance.get_memory(&mut self.store, name);
        contents(memory.map_or(&[], |memory| memory.data(&self.store)));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::Program;

    /// A guest whose start-up changes its memory and a global, and asks for a limit.
    const GUEST: &str = r#"(module
        (import "python_executor" "limit" (func $limit (param i32) (result i64)))
        (memory (export "memory") 1)
        (global $started (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $started (i32.const 40)))
        (func (export "init")
            (drop (call $limit (i32.const 0)))
            (i32.store (i32.const 8) (i32.const 2)))
        (func (export "sum") (result i32)
            (i32.add (global.get $started) (i32.load (i32.const 8)))))"#;

    #[test]
    fn the_snapshot_starts_where_init_ended() -> Result<()> {
        let snapshot = run_init(&wat::parse_str(GUEST)?)?;
        let mut guest = Program::compile(&snapshot)?.start(&mut WasiCtxBuilder::new())?;
        let sum = guest.function::<(), i32>("sum")?;
        assert_eq!(sum.call(&mut guest.store, ())?, 42);
        assert!(guest.function::<(), ()>("init").is_err());
        Ok(())
    }
}
