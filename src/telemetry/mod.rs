//! Telemetry for operators: the log, the metrics and trace contexts. None of them ever contains a script or its
//! output.

mod exposition;
mod id;
mod log;
mod metrics;
mod process;
mod run;
mod trace;

use std::time::Duration;

pub use exposition::Exposition;
pub use id::random_id;
pub use log::init;
pub use metrics::{Load, Metrics};
pub use run::{RunRecord, Source};
pub use trace::Trace;

/// Converts to milliseconds with three decimals; more would be noise.
#[must_use]
pub fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
