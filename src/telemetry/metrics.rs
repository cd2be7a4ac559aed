//! Everything that is counted, in the terms of Prometheus. `docs/operations.md` explains each name.

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

/// What every name of ours begins with; names of the process have a standard of their own.
const PREFIX: &str = "python_executor";

/// Upper ends of buckets, in seconds: from a hello request to a wall-clock limit.
const SECONDS: [f64; 16] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// Upper ends of buckets, in bytes: from the bare interpreter to the most that WebAssembly has.
const MEMORY: [f64; 12] = [
    16e6, 18e6, 20e6, 25e6, 30e6, 40e6, 50e6, 100e6, 250e6, 500e6, 1e9, 4.3e9,
];

/// Every metric. Labels have few values, none of which a client can make up.
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

/// How many are inside at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Scripts that run.
    pub running: u32,
    /// Requests that wait for their turn.
    pub waiting: u32,
}

impl Metrics {
    /// Starts at zero, for a service of this capacity that runs this version of Python.
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
            .register("build", "What is running", Info::new(build));
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
            runs: ours.add(
                "runs",
                "Runs that ended, by what they came to",
                Family::default(),
            ),
            queue: ours.histogram(
                ("run_queue", Unit::Seconds),
                "Time that runs had to wait for their turn",
                SECONDS,
            ),
            start: ours.histogram(
                ("run_start", Unit::Seconds),
                "Time to make a fresh interpreter",
                SECONDS,
            ),
            run: ours.histogram(
                ("run_duration", Unit::Seconds),
                "Time from handing the script over to the end of the run, waiting included",
                SECONDS,
            ),
            cpu: ours.histogram(
                ("run_cpu", Unit::Seconds),
                "Processor time of runs",
                SECONDS,
            ),
            memory: ours.histogram(
                ("run_memory_peak", Unit::Bytes),
                "Most memory in use at once by a run, the interpreter's own included",
                MEMORY,
            ),
            output: ours.add_with_unit(
                ("output", Unit::Bytes),
                "What scripts said, by where",
                Family::default(),
            ),
            truncations: ours.add(
                "truncations",
                "Runs that said more than they may and were ended for it, by where",
                Family::default(),
            ),
            running: ours.add("runs_in_progress", "Scripts that run now", Gauge::default()),
            waiting: ours.add(
                "queue_length",
                "Requests that wait for their turn now",
                Gauge::default(),
            ),
            connections: ours.add(
                "connections",
                "Connections that are open now",
                Gauge::default(),
            ),
            storage_unavailable: ours.add(
                "storage_unavailable",
                "Whether a run could not store its files for lack of the host, and that is not over",
                Gauge::default(),
            ),
            responses: ours.add(
                "http_responses",
                "Answers, by status code",
                Family::default(),
            ),
            refusals: ours.add(
                "refusals",
                "Requests that were answered without the outcome of a run, by why",
                Family::default(),
            ),
            registry,
        };
        // Prometheus sees a count grow only if it was there before: the first one is worth an alarm.
        for counts in [&metrics.runs, &metrics.refusals] {
            drop(counts.get_or_create(&Kind { kind: "internal" }));
        }
        metrics
    }

    /// Counts what is known of a run when it starts.
    pub(super) fn run_started(&self, queue: Duration) {
        self.queue.observe(queue.as_secs_f64());
    }

    /// Counts a run that has come to an end of its own.
    pub(super) fn run_ended(&self, kind: &'static str, outcome: &Outcome) {
        let Outcome {
            result,
            stdout,
            stderr,
            usage,
        } = outcome;
        self.runs.get_or_create(&Kind { kind }).inc();
        self.start.observe(usage.start.as_secs_f64());
        self.run.observe(usage.run.as_secs_f64());
        self.cpu.observe(usage.cpu.as_secs_f64());
        self.memory.observe(usage.memory as f64);
        let result_length = result.as_ref().map_or(0, |json| json.get().len());
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

    /// Counts a run that did not come to its end.
    pub(super) fn run_cut_short(&self, kind: &'static str) {
        self.runs.get_or_create(&Kind { kind }).inc();
    }

    /// Counts an answer; `refusal` is why there was no run.
    pub fn answered(&self, code: u16, refusal: Option<&'static str>) {
        self.responses.get_or_create(&Code { code }).inc();
        if let Some(kind) = refusal {
            self.refusals.get_or_create(&Kind { kind }).inc();
        }
    }

    /// Counts a connection as open until the answer is dropped.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.connections.inc();
        Connection(self.connections.clone())
    }

    /// Sets whether the host can store what runs write.
    pub fn set_storage(&self, available: bool) {
        self.storage_unavailable.set((!available).into());
    }

    /// Everything as text.
    ///
    /// # Errors
    /// Never: text can always be written to a string.
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

/// Metrics that have a prefix in common.
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
        upper_ends: [f64; BUCKETS],
    ) -> Histogram {
        self.add_with_unit(name, help, Histogram::new(upper_ends))
    }

    fn constant(&mut self, name: &str, help: &str, value: u32) {
        let gauge = self.add(name, help, Gauge::<i64>::default());
        gauge.set(value.into());
    }
}

/// A connection that is open.
#[derive(Debug)]
pub struct Connection(Gauge);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.dec();
    }
}
