//! The epoch ticker: the thread that lets wasmtime interrupt guests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::Engine;

/// Time between two ticks, at each of which a guest can be interrupted. Shorter is fairer and costs more.
const TICK_INTERVAL: Duration = Duration::from_millis(1);

/// After this many ticks without a guest the ticker parks, so that an idle service sleeps.
const IDLE_TICKS: u32 = 50;

/// Advances the engine's epoch while guests run. Dropping it ends the thread.
pub struct EpochTicker {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    running: AtomicUsize,
    parked: AtomicBool,
    stopped: AtomicBool,
}

/// Keeps the ticker active until dropped. Held for each guest that can be polled.
pub struct TickGuard<'a>(&'a State);

impl EpochTicker {
    /// Starts the thread that advances the epoch of `engine`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(engine: &Engine) -> std::io::Result<Self> {
        let state = Arc::new(State::default());
        let (engine, shared) = (engine.clone(), Arc::clone(&state));
        let thread = std::thread::Builder::new()
            .name("epoch".into())
            .spawn(move || shared.tick(&engine))?;
        Ok(Self {
            state,
            thread: Some(thread),
        })
    }

    /// Keeps the epoch advancing at least until the guard is dropped.
    pub fn guard(&self) -> TickGuard<'_> {
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.parked.load(Ordering::SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
        TickGuard(&self.state)
    }
}

impl Drop for TickGuard<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl State {
    fn tick(&self, engine: &Engine) {
        let mut idle = 0;
        while !self.stopped.load(Ordering::SeqCst) {
            idle = match self.running.load(Ordering::SeqCst) {
                0 => idle + 1,
                _ => 0,
            };
            if idle < IDLE_TICKS {
                std::thread::sleep(TICK_INTERVAL);
                engine.increment_epoch();
                continue;
            }
            // A guard taken after this line sees that the thread has to be woken.
            self.parked.store(true, Ordering::SeqCst);
            if self.running.load(Ordering::SeqCst) == 0 && !self.stopped.load(Ordering::SeqCst) {
                std::thread::park();
            }
            self.parked.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}

impl Drop for EpochTicker {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread cannot panic, and a failure to join could not be handled.
            let _ = thread.join();
        }
    }
}
