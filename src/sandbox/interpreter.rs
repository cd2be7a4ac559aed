//! An interpreter: a loaded environment, from which programs start.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use tokio::sync::oneshot;
use wasmtime::{InstancePre, Linker, Store};

use super::guest::{self, Guest};
use super::host::Host;
use super::program::Program;
use super::runtime::Runtime;
use super::slots::{Slot, Slots};
use super::{Job, Outcome, engine, wasi};

/// A precompiled CPython with its packages, ready to start instances.
pub struct Interpreter {
    runtime: Arc<Runtime>,
    module: InstancePre<Host>,
    slots: Option<Arc<Slots>>,
}

impl Interpreter {
    /// Loads the precompiled environment at `path`.
    ///
    /// # Errors
    /// When the file is missing, or was made for another version of the service or of wasmtime, or another processor;
    /// the message says what to do.
    pub fn load(runtime: &Arc<Runtime>, path: &Path) -> Result<Self> {
        let module = engine::load_module(&runtime.engine, path)?;
        guest::check_version(&module).with_context(|| format!("loading {}", path.display()))?;
        let mut linker = Linker::new(&runtime.engine);
        wasi::add_to_linker(&mut linker, |host: &mut Host| &mut host.wasi)?;
        Ok(Self {
            runtime: Arc::clone(runtime),
            module: linker.instantiate_pre(&module)?,
            slots: Slots::new(),
        })
    }

    /// The runtime that this interpreter belongs to.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Starts a fresh instance. `permit` is dropped when nothing of it is left, its scratch directory included;
    /// this can be later than the program's drop.
    ///
    /// # Errors
    /// When the service is at fault: the pool is exhausted or the module is not a guest.
    pub async fn start(&self, permit: impl Send + 'static) -> Result<Program> {
        let started = Instant::now();
        let host = Host::new(&self.runtime.scratch, Box::new(permit));
        let mut store = Store::new(&self.runtime.engine, host);
        store.limiter_async(|host| host);
        store.epoch_deadline_callback(|mut store| {
            wasmtime::ensure!(!store.data().exceeds_host_calls(), "too many host calls");
            Ok(store.data_mut().wasi.turn.deadline_reached())
        });
        let instance = self.module.instantiate_async(&mut store).await?;
        let guest = Guest::new(&mut store, &instance)?;
        let slots = self.slots.as_ref();
        store.data_mut().slot = slots.map(|slots| Slot::new(slots, guest.memory(&store)));
        let runtime = Arc::clone(&self.runtime);
        Ok(Program::new(runtime, store, guest, started.elapsed()))
    }

    /// Runs `job` in a fresh instance. Dropping the future cancels the run. `permit` is dropped when nothing of
    /// the run is left, its scratch directory included; this can be later.
    ///
    /// The first poll of the future is short, whatever the script does; later ones may not be.
    pub async fn run(&self, job: Job, permit: impl Send + 'static) -> Outcome {
        match self.start(permit).await {
            Ok(mut program) => program.step(&job).await,
            Err(error) => Outcome::internal(format!("{error:#}")),
        }
    }

    /// Runs `job` and waits until nothing of the run is left.
    pub async fn run_and_clean_up(&self, job: Job) -> Outcome {
        let (permit, dropped) = oneshot::channel::<()>();
        let outcome = self.run(job, permit).await;
        // Nothing is ever sent: the wait ends when the permit is dropped.
        let _ = dropped.await;
        outcome
    }
}
