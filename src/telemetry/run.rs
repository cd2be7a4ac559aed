//! The record of one run: a log line, and its part in the metrics.

use std::thread;
use std::time::Duration;

use super::{Metrics, Trace, millis};
use crate::sandbox::Outcome;

/// The request that a run belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The id of the request.
    pub request_id: &'a str,
    /// The caller, if authentication is on.
    pub caller: Option<&'a str>,
    /// The trace of the request.
    pub trace: Option<&'a Trace>,
}

/// The record of one run, which is written even if the run is cancelled.
pub struct RunRecord<'a> {
    metrics: &'a Metrics,
    source: Source<'a>,
    script_bytes: usize,
    queue: Duration,
    finished: bool,
}

impl<'a> RunRecord<'a> {
    /// Opens the record of a run that is about to start after `queue` spent waiting.
    #[must_use]
    pub fn start(
        metrics: &'a Metrics,
        source: Source<'a>,
        script_bytes: usize,
        queue: Duration,
    ) -> Self {
        tracing::debug!(request_id = source.request_id, "run started");
        metrics.run_started(queue);
        Self {
            metrics,
            source,
            script_bytes,
            queue,
            finished: false,
        }
    }

    /// Records the outcome of the run.
    pub fn finish(mut self, kind: &'static str, status: u16, outcome: &Outcome) {
        self.finished = true;
        self.metrics.run_finished(kind, outcome);
        self.log(kind, Some((status, outcome)));
    }

    /// Writes the log line; fields of the outcome are left out of an aborted run's.
    fn log(&self, kind: &'static str, finished: Option<(u16, &Outcome)>) {
        let Source {
            request_id,
            caller,
            trace,
        } = self.source;
        let outcome = finished.map(|(_, outcome)| outcome);
        let usage = outcome.map(|outcome| &outcome.usage);
        let result = outcome.map(|outcome| outcome.result.as_ref());
        tracing::info!(
            request_id,
            caller,
            trace_id = trace.map(|trace| &*trace.trace_id),
            span_id = trace.map(|trace| &*trace.span_id),
            parent_span_id = trace.map(|trace| &*trace.parent_span_id),
            trace_flags = trace.map(|trace| &*trace.flags),
            kind,
            status = finished.map(|(status, _)| status),
            queue_ms = millis(self.queue),
            start_ms = usage.map(|usage| millis(usage.start)),
            wall_ms = usage.map(|usage| millis(usage.run)),
            cpu_ms = usage.map(|usage| millis(usage.cpu)),
            memory_bytes = usage.map(|usage| usage.memory),
            script_bytes = self.script_bytes,
            result_bytes = result.map(|result| result.map_or(0, |value| value.json.get().len())),
            stdout_bytes = outcome.map(|outcome| outcome.stdout.len()),
            stderr_bytes = outcome.map(|outcome| outcome.stderr.len()),
            "run"
        );
    }
}

impl Drop for RunRecord<'_> {
    /// Records a run that did not finish: the client disconnected, the shutdown cancelled it, or the code
    /// around it panicked.
    fn drop(&mut self) {
        if !self.finished {
            let kind = if thread::panicking() {
                "internal"
            } else {
                "cancelled"
            };
            self.metrics.run_aborted(kind);
            self.log(kind, None);
        }
    }
}
