//! Runs untrusted Python scripts, safely and fast, behind one HTTP endpoint.
//!
//! | module | knows |
//! |---|---|
//! | [`config`] | every setting: flag, environment variable, default and help text |
//! | [`system`] | the cores, memory and open files of the machine |
//! | [`self_test`] | the run before the service listens |
//! | [`telemetry`] | the log, the metrics and trace contexts |
//! | [`http`] | the contract: routes, bodies, status codes, admission |
//! | [`sandbox`] | how a script runs: a fresh CPython in WebAssembly, and its limits |
//! | [`display`] | sizes and durations in messages |
//!
//! `main.rs` puts them together. [`http`] never sees WebAssembly, [`sandbox`] never sees HTTP;
//! [`sandbox::Interpreter::run`] is the one call between them.

pub mod config;
pub mod display;
pub mod http;
pub mod sandbox;
pub mod self_test;
pub mod system;
pub mod telemetry;

#[cfg(test)]
#[path = "../tests/common/arbitrary.rs"]
mod arbitrary;
