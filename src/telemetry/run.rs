//! The record of one run: a line of the log, and a part of the metrics.

use std::thread;
use std::time::Duration;

use super::{Metrics, Trace, millis};
use crate::sandbox::Outcome;

/// Where a run comes from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Names the request.
    pub request_id: &'a str,
    /// Who has sent it, if the service asks.
    pub caller: Option<&'a str>,
    /// The trace that it belongs to.
    pub trace: Option<&'a Trace>,
}

/// The record of one run, made even when the run is cancelled.
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

    /// Writes what came of the run.
    pub fn finish(mut self, kind: &'static str, status: u16, outcome: &Outcome) {
        self.finished = true;
        self.metrics.run_ended(kind, outcome);
        let Source {
            request_id,
            caller,
            trace,
        } = self.source;
        let usage = &outcome.usage;
        tracing::info!(
            request_id,
            caller,
            trace_id = trace.map(|trace| &*trace.trace_id),
            span_id = trace.map(|trace| &*trace.span_id),
            parent_span_id = trace.map(|trace| &*trace.parent_span_id),
            trace_flags = trace.map(|trace| &*trace.flags),
            kind,
            status,
            queue_ms = millis(self.queue),
            start_ms = millis(usage.start),
            wall_ms = millis(usage.run),
            cpu_ms = millis(usage.cpu),
            memory_bytes = usage.memory,
            script_bytes = self.script_bytes,
            result_bytes = outcome.result.as_ref().map_or(0, |json| json.get().len()),
            stdout_bytes = outcome.stdout.len(),
            stderr_bytes = outcome.stderr.len(),
            "run"
        );
    }
}

impl Drop for RunRecord<'_> {
    /// A run that is dropped before its end was cancelled: by the client, who went away, or by
    /// the shutdown. Or else something panicked.
    fn drop(&mut self) {
        if !self.finished {
            let kind = if thread::panicking() {
                "internal"
            } else {
                "cancelled"
            };
            self.metrics.run_cut_short(kind);
            let Source {
                request_id,
                caller,
                trace,
            } = self.source;
            tracing::info!(
                request_id,
                caller,
                trace_id = trace.map(|trace| &*trace.trace_id),
                span_id = trace.map(|trace| &*trace.span_id),
                parent_span_id = trace.map(|trace| &*trace.parent_span_id),
                trace_flags = trace.map(|trace| &*trace.flags),
                kind,
                queue_ms = millis(self.queue),
                script_bytes = self.script_bytes,
                "run"
            );
        }
    }
}
