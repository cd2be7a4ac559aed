//! What the program can do besides serving.

use std::path::PathBuf;

use clap::Subcommand;

/// One of the things to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run one script here, with the same limits, and print the answer that POST /execute would give.
    ///
    /// The exit code is 0 if there is a result, 1 if there is none, and 2 if there was nothing to run.
    Run {
        /// The script; - is standard input.
        file: PathBuf,
    },

    /// Print the settings in effect and where each is from, and whether they fit this machine.
    ///
    /// The exit code is 0 if they fit and Python runs, and 1 otherwise.
    Check,

    /// Ask the service that runs here with the same HOST and PORT whether it is well.
    ///
    /// The exit code is 0 if it is, and 1 otherwise: made for the HEALTHCHECK of a container.
    Healthcheck {
        /// Ask whether it is ready for requests (GET /readyz), not only whether it lives (GET /healthz).
        #[arg(long)]
        ready: bool,
    },
}
