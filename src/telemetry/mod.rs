//! What the service tells its operators: the log, the metrics, and where a run belongs in a trace.
//! None of them ever holds a script or what a script wrote.
//!
//! | file | holds |
//! |---|---|
//! | `log` | how lines are written |
//! | `run` | the record of one run, which goes to the log and to the metrics |
//! | `metrics` | everything that is counted |
//! | `exposition` | the formats of the metrics |
//! | `process` | what the system counts about this process |
//! | `trace` | W3C Trace Context |
//! | `id` | numbers that name things |

mod exposition;
mod id;
mod log;
mod metrics;
mod process;
mod run;
mod trace;

use std::time::Duration;

pub use exposition::Exposition;
pub use id::unique;
pub use log::init;
pub use metrics::{Load, Metrics};
pub use run::{RunRecord, Source};
pub use trace::Trace;

/// Milliseconds with three decimals: finer is noise.
#[must_use]
pub fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
