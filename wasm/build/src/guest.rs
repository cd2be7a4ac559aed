//! Runs a guest at build time: a module of CPython's that sees no files and no arguments.

use anyhow::{Context, Result};
use wasmtime::{
    Config, Engine, Instance, Linker, Memory, Module, OptLevel, Store, TypedFunc, WasmParams,
    WasmResults,
};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p1::{self, WasiP1Ctx};

/// A guest's module, compiled in haste.
pub struct Program(Module);

impl Program {
    /// Compiles `module`.
    pub fn compile(module: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        config.cranelift_opt_level(OptLevel::None);
        Ok(Self(Module::new(&Engine::new(&config)?, module)?))
    }

    /// An instance that has what `wasi` gives it.
    pub fn start(&self, wasi: &mut WasiCtxBuilder) -> Result<Guest> {
        let engine = self.0.engine();
        let mut linker = Linker::new(engine);
        p1::add_to_linker_sync(&mut linker, |wasi| wasi)?;
        add_limits(&mut linker)?;
        let mut store = Store::new(engine, wasi.build_p1());
        let instance = linker.instantiate(&mut store, &self.0)?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .context("the guest exports its memory")?;
        Ok(Guest {
            store,
            instance,
            memory,
        })
    }
}

/// Defines what a guest asks the service of a run's limits. The build has none.
pub fn add_limits<T: 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.func_wrap("python_executor", "limit", |_which: i32| 0_i64)?;
    Ok(())
}

/// A guest that the build calls.
pub struct Guest {
    pub store: Store<WasiP1Ctx>,
    instance: Instance,
    memory: Memory,
}

impl Guest {
    /// An instance of `module`; what it says on stderr is shown.
    pub fn start(module: &[u8]) -> Result<Self> {
        Program::compile(module)?.start(WasiCtxBuilder::new().inherit_stderr())
    }

    /// A function that the guest exports.
    pub fn function<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
    ) -> Result<TypedFunc<P, R>> {
        Ok(self.instance.get_typed_func(&mut self.store, name)?)
    }

    /// Calls a function without arguments that is called once.
    pub fn call_once(&mut self, name: &str) -> Result<()> {
        Ok(self.function::<(), ()>(name)?.call(&mut self.store, ())?)
    }

    /// All bytes of another memory that the guest exports.
    pub fn memory(&mut self, name: &str) -> Result<&[u8]> {
        let memory = self.instance.get_memory(&mut self.store, name);
        Ok(memory
            .with_context(|| format!("the guest has no memory {name}"))?
            .data(&self.store))
    }

    /// The guest's bytes at `start`.
    pub fn read(&self, start: u32, size: u32) -> Result<Vec<u8>> {
        let (start, size) = (start as usize, size as usize);
        let bytes = self.memory.data(&self.store).get(start..start + size);
        Ok(bytes.context("the guest's result")?.to_owned())
    }

    /// Writes `bytes` into the guest.
    pub fn write(&mut self, start: u32, bytes: &[u8]) -> Result<()> {
        Ok(self.memory.write(&mut self.store, start as usize, bytes)?)
    }
}
