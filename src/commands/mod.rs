//! The program's commands, one file each.

mod check;
mod healthcheck;
mod run;
mod serve;

use std::process::ExitCode;

pub use check::check;
pub use healthcheck::healthcheck;
pub use run::run;
pub use serve::serve;

/// The conventional exit code for wrong usage.
const BAD_USAGE: u8 = 2;

/// Prints a usage error, one line, to standard error.
pub fn bad_usage(problem: &str) -> ExitCode {
    eprintln!("error: {problem}");
    ExitCode::from(BAD_USAGE)
}
