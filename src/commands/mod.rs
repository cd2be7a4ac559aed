//! What the program can do, a file for each.

mod check;
mod healthcheck;
mod run;
mod serve;

use std::process::ExitCode;

pub use check::check;
pub use healthcheck::healthcheck;
pub use run::run;
pub use serve::serve;

/// What a shell expects of a program that was called wrongly.
const BAD_USAGE: u8 = 2;

/// Says in one line what is wrong with how the program was called.
pub fn bad_usage(problem: &str) -> ExitCode {
    eprintln!("{problem}");
    ExitCode::from(BAD_USAGE)
}
