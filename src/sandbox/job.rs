//! A job: one script with everything that belongs to its run.

use super::Limits;

/// A script to run, and the limits of the run.
#[derive(Debug, Clone)]
pub struct Job {
    /// The source of a module that defines `main()`.
    pub script: String,
    /// The limits of this run. The memory limit must not exceed the runtime's.
    pub limits: Limits,
}
