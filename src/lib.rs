//! Runs untrusted Python scripts, safely and fast, behind one HTTP endpoint.
//!
//! | module | knows |
//! |---|---|
//! | [`config`] | every setting: flag, environment variable, default and help text |
//! | [`machine`] | what cores, memory and open files there are |
//! | [`proof`] | that Python runs here |
//! | [`telemetry`] | the log, the metrics and the place of a run in a trace |
//! | [`http`] | the contract: routes, bodies, status codes, how much is taken on at once |
//! | [`sandbox`] | how a script runs: a fresh CPython in WebAssembly, and its limits |
//! | [`units`] | how limits are written for people |
//!
//! `main.rs` puts them together. [`http`] never sees WebAssembly, [`sandbox`] never sees HTTP;
//! [`sandbox::Interpreter::run`] is the one call between them.

pub mod config;
pub mod http;
pub mod machine;
pub mod proof;
pub mod sandbox;
pub mod telemetry;
pub mod units;

#[cfg(test)]
#[path = "../tests/common/arbitrary.rs"]
mod arbitrary;
