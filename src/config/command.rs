//! Subcommands of the program.

use std::path::PathBuf;

use clap::Subcommand;

/// A subcommand.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run one script without a server, with the same limits, and print the body that POST /execute would
    /// return.
    ///
    /// The exit code is 0 for a result, 1 for an error, and 2 if there was no script to run.
    Run {
        /// File with the script; - is standard input.
        file: PathBuf,
    },

    /// Print the settings in effect with the source of each, and whether they fit this machine.
    ///
    /// The exit code is 0 if they fit and Python runs, and 1 otherwise.
    Check,

    /// Check the health of the service on this machine, at the same HOST and PORT.
    ///
    /// The exit code is 0 if it is healthy, and 1 otherwise, as the HEALTHCHECK of a container needs it.
    Healthcheck {
        /// Check readiness (GET /readyz) instead of liveness (GET /healthz).
        #[arg(long)]
        ready: bool,
    },
}
