//! The service's metrics, in the terms of Prometheus. `docs/operations.md` explains each name.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use super::exposition::{Exposition, prometheus};
use super::process::Process;
use crate::config::Capacity;
use crate::sandbox::{Failure, Outcome};

/// Prefix of the service's own metrics; those of the process have standard names.
const PREFIX: &str = "python_executor";

/// Upper bounds of buckets, in seconds: from a hello request to the default wall-clock limit.
const SECONDS: [f64; 16] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// Upper bounds of buckets, in bytes: from a fresh interpreter to the maximum of WebAssembly.
const MEMORY: [f64; 12] = [
    16e6, 18e6, 20e6, 25e6, 30e6, 40e6, 50e6, 100e6, 250e6, 500e6, 1e9, 4.3e9,
];

/// All metrics. Labels have few values, none of which a client can choose.
#[derive(Debug)]
pub struct Metrics {
    runs: Family<Kind, Counter>,
    queue: Histogram,
    start: Histogram,
    run: Histogram,
    cpu: Histogram,
    memory: Histogram,
    output: Family<Stream, Counter>,
    truncations: Family<Stream, Counter>,
    running: Gauge,
    waiting: Gauge,
    connections: Gauge,
    storage_unavailable: Gauge,
    responses: Family<Code, Counter>,
    refusals: Family<Kind, Counter>,
    registry: Registry,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stream {
    stream: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
    python_version: String,
}

/// The present load.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Scripts that run.
    pub running: u32,
    /// Requests in the queue.
    pub waiting: u32,
}

impl Metrics {
    /// Creates the metrics of a service with this capacity and this version of Python, at zero.
    #[must_use]
    pub fn new(capacity: Capacity, python_version: &str) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process));
        let ours = &mut Group(registry.sub_registry_with_prefix(PREFIX));

        let build = Build {
            version: env!("CARGO_PKG_VERSION"),
            python_version: python_version.to_owned(),
        };
        ours.0
            .register("build", "The running version", Info::new(build));
        let Capacity {
            concurrent,
            queue,
            connections,
            ..
        } = capacity;
        let places = concurrent.saturating_add(queue);
        ours.constant("slots", "Scripts that may run at once", concurrent);
        ours.constant("places", "Requests that may run or wait at once", places);
        let help = "Connections that may be open at once";
        ours.constant("connections_limit", help, connections);

        let metrics = Self {
            runs: ours.add("runs", "Runs that ended, by outcome", Family::default()),
            queue: ours.histogram(
                ("run_queue", Unit::Seconds),
                "Time that runs waited in the queue",
                SECONDS,
            ),
            start: ours.histogram(
                ("run_start", Unit::Seconds),
                "Time to start a fresh interpreter",
                SECONDS,
            ),
            run: ours.histogram(
                ("run_duration", Unit::Seconds),
                "Time from the start of the script to the end of the run, waiting included",
                SECONDS,
            ),
            cpu: ours.histogram(
                ("run_cpu", Unit::Seconds),
                "Processor time of runs",
                SECONDS,
            ),
            memory: ours.histogram(
                ("run_memory_peak", Unit::Bytes),
                "Peak memory of a run, the interpreter's own included",
                MEMORY,
            ),
            output: ours.add_with_unit(
                ("output", Unit::Bytes),
                "Bytes of output of scripts, by stream",
                Family::default(),
            ),
            truncations: ours.add(
                "truncations",
                "Runs that ended because an output exceeded its limit, by stream",
                Family::default(),
            ),
            running: ours.add("runs_in_progress", "Running scripts", Gauge::default()),
            waiting: ours.add("queue_length", "Requests in the queue", Gauge::default()),
            connections: ours.add("connections", "Open connections", Gauge::default()),
            storage_unavailable: ours.add(
                "storage_unavailable",
                "1 while the host cannot store the files of runs",
                Gauge::default(),
            ),
            responses: ours.add(
                "http_responses",
                "Responses, by status code",
                Family::default(),
            ),
            refusals: ours.add(
                "refusals",
                "Requests rejected before a run, by error kind",
                Family::default(),
            ),
            registry,
        };
        // Prometheus notices the first increase only if the counter existed before.
        for counts in [&metrics.runs, &metrics.refusals] {
            drop(counts.get_or_create(&Kind { kind: "internal" }));
        }
        metrics
    }

    /// Counts a run that starts.
    pub(super) fn run_started(&self, queue: Duration) {
        self.queue.observe(queue.as_secs_f64());
    }

    /// Counts a run that was not aborted.
    pub(super) fn run_finished(&self, kind: &'static str, outcome: &Outcome) {
        let Outcome {
            result,
            stdout,
            stderr,
            usage,
            ..
        } = outcome;
        self.runs.get_or_create(&Kind { kind }).inc();
        self.start.observe(usage.start.as_secs_f64());
        self.run.observe(usage.run.as_secs_f64());
        self.cpu.observe(usage.cpu.as_secs_f64());
        self.memory.observe(usage.memory as f64);
        let result_length = result.as_ref().map_or(0, |value| value.json.get().len());
        for (stream, bytes) in [
            ("result", result_length),
            ("stdout", stdout.len()),
            ("stderr", stderr.len()),
        ] {
            if bytes > 0 {
                let counter = self.output.get_or_create(&Stream { stream });
                counter.inc_by(bytes as u64);
            }
        }
        if let Err(Failure::OutputLimit { stream, .. }) = result {
            self.truncations.get_or_create(&Stream { stream }).inc();
        }
    }

    /// Counts a run that was cancelled or panicked.
    pub(super) fn run_aborted(&self, kind: &'static str) {
        self.runs.get_or_create(&Kind { kind }).inc();
    }

    /// Counts a response; `rejection` is the error kind of a request rejected before a run.
    pub fn count_response(&self, code: u16, rejection: Option<&'static str>) {
        self.responses.get_or_create(&Code { code }).inc();
        if let Some(kind) = rejection {
            self.refusals.get_or_create(&Kind { kind }).inc();
        }
    }

    /// Counts a connection as open until the returned value is dropped.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.connections.inc();
        Connection(self.connections.clone())
    }

    /// Sets whether the host can store the files of runs.
    pub fn set_storage(&self, available: bool) {
        self.storage_unavailable.set((!available).into());
    }

    /// Returns all metrics as text.
    ///
    /// # Errors
    /// Never: writing to a string succeeds.
    pub fn render(&self, load: Load, format: Exposition) -> Result<String, fmt::Error> {
        self.running.set(load.running.into());
        self.waiting.set(load.waiting.into());
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(match format {
            Exposition::OpenMetrics => out,
            Exposition::Prometheus => prometheus(&out),
        })
    }
}

/// Metrics with a common prefix.
struct Group<'a>(&'a mut Registry);

impl Group<'_> {
    fn add<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn add_with_unit<M: Metric + Clone>(
        &mut self,
        (name, unit): (&str, Unit),
        help: &str,
        metric: M,
    ) -> M {
        self.0.register_with_unit(name, help, unit, metric.clone());
        metric
    }

    fn histogram<const BUCKETS: usize>(
        &mut self,
        name: (&str, Unit),
        help: &str,
        upper_bounds: [f64; BUCKETS],
    ) -> Histogram {
        self.add_with_unit(name, help, Histogram::new(upper_bounds))
    }

    fn constant(&mut self, name: &str, help: &str, value: u32) {
        let gauge = self.add(name, help, Gauge::<i64>::default());
        gauge.set(value.into());
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connection(Gauge);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.dec();
    }
}
