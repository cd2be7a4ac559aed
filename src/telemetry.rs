//! The log: one line per run, on standard error. It never holds a script or what a script wrote.

use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, Service};
use crate::sandbox::Outcome;

/// Starts logging.
pub fn init(config: &Service) {
    // A script must not be able to fill the log through the warnings of a library.
    let filter = Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), config.log)
        .with_default(config.log.min(LevelFilter::ERROR));
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match config.log_format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
}

/// The log line of one run, written even when the run is cancelled.
pub struct RunRecord<'a> {
    request_id: &'a str,
    script_bytes: usize,
    queue: Duration,
    finished: bool,
}

impl<'a> RunRecord<'a> {
    /// Opens the record of a run that is about to start after `queue` spent waiting.
    #[must_use]
    pub fn start(request_id: &'a str, script_bytes: usize, queue: Duration) -> Self {
        tracing::debug!(request_id, "run started");
        Self {
            request_id,
            script_bytes,
            queue,
            finished: false,
        }
    }

    /// Writes what came of the run.
    pub fn finish(mut self, kind: &str, status: u16, outcome: &Outcome) {
        self.finished = true;
        let usage = &outcome.usage;
        tracing::info!(
            request_id = self.request_id,
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
            tracing::info!(
                request_id = self.request_id,
                kind,
                queue_ms = millis(self.queue),
                script_bytes = self.script_bytes,
                "run"
            );
        }
    }
}

/// Milliseconds with three decimals: finer is noise.
#[must_use]
pub fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
