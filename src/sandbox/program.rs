//! A program: a live instance of an interpreter, which runs jobs one after another.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use wasmtime::Store;

use super::cpu_time::{CpuTimeExceeded, limit_cpu_time};
use super::guest::{Guest, Reply, Stream};
use super::host::Host;
use super::runtime::Runtime;
use super::turn::{FIRST_TURN, SHORT_TEXT};
use super::{Failure, Job, Outcome, OutputFile, Usage, Value, classify};

/// Epoch ticks, and wall time, that a guest has for returning its pending output after the host has ended its
/// run. It takes microseconds.
const FLUSH_TICKS: u64 = 50;
const FLUSH_TIMEOUT: Duration = Duration::from_millis(100);

/// A live instance. Dropping it returns its memory to the pool and removes its scratch directory.
pub struct Program {
    runtime: Arc<Runtime>,
    store: Store<Host>,
    guest: Guest,
    start: Duration,
    /// Whether the guest is between two calls. Otherwise its last call has not returned, and another one would
    /// find the interpreter in an unknown state.
    idle: bool,
}

/// How a call of the guest ended.
enum Ended {
    Replied(Reply),
    Failed(wasmtime::Error),
    CpuTimeExceeded,
    WallTimeExceeded,
}

impl Program {
    /// A program whose instance was made within `start`.
    pub(super) fn new(
        runtime: Arc<Runtime>,
        store: Store<Host>,
        guest: Guest,
        start: Duration,
    ) -> Self {
        Self {
            runtime,
            store,
            guest,
            start,
            idle: true,
        }
    }

    /// Runs `job` in this instance. Limits and usage count from the beginning of the step.
    ///
    /// A program whose step was cancelled or did not come to its end has no next one: the result of that is
    /// [`Failure::Internal`].
    pub async fn step(&mut self, job: &Job) -> Outcome {
        if !std::mem::replace(&mut self.idle, false) {
            return Outcome::internal("the program has ended".to_owned());
        }
        let mut usage = Usage {
            start: std::mem::take(&mut self.start),
            ..Usage::default()
        };
        let mut result = self.call_and_classify(job, &mut usage).await;
        let display = self.read_display(job).await.unwrap_or_else(|failure| {
            if result.is_ok() {
                result = Err(failure);
            }
            None
        });
        let files = self.read_files(job).await.unwrap_or_else(|failure| {
            result = Err(failure);
            Vec::new()
        });
        let host = self.store.data();
        Outcome {
            result,
            stdout: host.stdout.take_text(),
            stderr: host.stderr.take_text(),
            display,
            files,
            usage,
        }
    }

    /// Reads the objects that the script has shown, if the job lets it show any. After a run that did not come to its
    /// end the guest may be in any state, so there may be less than that.
    async fn read_display(&mut self, job: &Job) -> Result<Option<Box<RawValue>>, Failure> {
        if !job.input.can_display() {
            return Ok(None);
        }
        self.store.set_epoch_deadline(FLUSH_TICKS);
        let shown = self.guest.shown(&mut self.store, job.limits.result);
        match tokio::time::timeout(FLUSH_TIMEOUT, shown).await {
            Ok(Ok(items)) => classify::shown(items, &job.limits),
            _ => Ok(None),
        }
    }

    /// Reads the files that the script made or changed, if the job asks for them.
    async fn read_files(&mut self, job: &Job) -> Result<Vec<OutputFile>, Failure> {
        if !job.returns_files {
            return Ok(Vec::new());
        }
        let host = self.store.data_mut();
        let files = host.wasi.read_files(&job.files, job.limits.output_files);
        files.await.map_err(|error| {
            let reason = format!("reading the files of a run: {error}");
            self.runtime.scratch.failed(&reason);
            Failure::Unavailable(reason)
        })
    }

    async fn call_and_classify(&mut self, job: &Job, usage: &mut Usage) -> Result<Value, Failure> {
        let limits = &job.limits;
        self.store.data_mut().begin(job);
        self.store.set_epoch_deadline(FIRST_TURN);
        let runtime = Arc::clone(&self.runtime);
        let _ticking = runtime.ticker.guard();
        let cpu_before = self.store.data().cpu.used();
        let started = Instant::now();
        let ended = self.call(job, cpu_before).await;
        let host = self.store.data_mut();
        usage.run = started.elapsed();
        usage.cpu = host.cpu.used().saturating_sub(cpu_before);
        usage.memory = host.memory.in_use();
        usage.host_calls = host.wasi.calls();
        usage.disk = host.wasi.disk_bytes();
        let storage_failure = host.wasi.take_storage_failure();
        self.idle = matches!(ended, Ended::Replied(_));
        if !self.idle {
            host.wasi.turn.leave_connection_thread().await;
            self.flush_pending_output().await;
        }
        if let Some(reason) = storage_failure {
            self.runtime.scratch.failed(&reason);
            return Err(Failure::Unavailable(reason));
        }
        let host = self.store.data_mut();
        if host.stdout.len() + host.stderr.len() > SHORT_TEXT {
            host.wasi.turn.leave_connection_thread().await;
        }
        match ended {
            _ if host.exceeds_host_calls() => Err(Failure::HostCallLimit(limits.host_calls)),
            Ended::Replied(reply) => classify::from_reply(reply, job.input.cell, limits),
            Ended::Failed(error) => {
                let out_of_memory = host.memory.is_starved();
                Err(classify::from_error(&error, limits, out_of_memory))
            }
            Ended::CpuTimeExceeded => Err(Failure::CpuLimit(limits.cpu)),
            Ended::WallTimeExceeded => Err(Failure::WallLimit(limits.wall)),
        }
    }

    /// Runs the script until it ends or exceeds one of its times.
    async fn call(&mut self, job: &Job, cpu_before: Duration) -> Ended {
        let limits = &job.limits;
        let cpu = self.store.data().cpu.clone();
        let (guest, store) = (&self.guest, &mut self.store);
        let run = pin!(async {
            store.data_mut().wasi.write_files(&job.files).await?;
            if job.input.size() > SHORT_TEXT {
                store.data_mut().wasi.turn.leave_connection_thread().await;
            }
            let input = job.input.encode()?;
            guest.run(store, &job.script, &input, limits.result).await
        });
        let run = limit_cpu_time(run, &cpu, cpu_before.saturating_add(limits.cpu));
        match tokio::time::timeout(limits.wall, run).await {
            Ok(Ok(Ok(reply))) => Ended::Replied(reply),
            Ok(Ok(Err(error))) => Ended::Failed(error),
            Ok(Err(CpuTimeExceeded)) => Ended::CpuTimeExceeded,
            Err(_elapsed) => Ended::WallTimeExceeded,
        }
    }

    /// Captures output that the script has written and Python has not flushed, after a run that did not come to its
    /// end. The guest may be in any state, so there may be less than that.
    async fn flush_pending_output(&mut self) {
        self.store.set_epoch_deadline(FLUSH_TICKS);
        let host = self.store.data();
        let captures = [host.stdout.clone(), host.stderr.clone()];
        for (stream, capture) in [Stream::Stdout, Stream::Stderr].into_iter().zip(captures) {
            let pending = self
                .guest
                .pending_output(&mut self.store, stream, capture.room());
            if let Ok(Ok(bytes)) = tokio::time::timeout(FLUSH_TIMEOUT, pending).await {
                // It is not longer than the room that is left.
                let _ = capture.append(&bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests;
