//! The command `run`: runs one script in the same sandbox, with the same limits and response, without a server.

mod files;
mod request;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use python_executor::config::{Config, RunOptions};
use python_executor::http::{JsonResponse, parse_request};
use python_executor::sandbox::{Interpreter, Runtime};
use tokio::runtime;

use super::bad_usage;

/// Stands in for the request id, by which the log shows the details of an internal error.
const ID: &str = "run";

/// Runs the script that `options` name and prints the response body.
///
/// # Errors
/// When Python cannot be loaded, or the response or a file cannot be written.
pub fn run(config: &Config, options: &RunOptions) -> anyhow::Result<ExitCode> {
    let limits = config.run.limits();
    let max_script = config.request.script_limit;
    let parsed =
        request::body(config, options).and_then(|body| parse_request(&body, &limits, max_script));
    let (mut job, include) = match parsed {
        Ok(parsed) => parsed,
        Err(problem) => return Ok(bad_usage(&problem)),
    };
    job.returns_files |= options.out.is_some();
    let python = config.service.python()?;
    let sandbox = Runtime::new(1, limits.memory, config.service.temp_root.as_deref())?;
    let interpreter = Interpreter::load(&sandbox, &python)?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(interpreter.run_and_clean_up(job));
    let response = JsonResponse::from_outcome(&outcome, include, Duration::ZERO, ID);

    let mut stdout = io::stdout().lock();
    stdout.write_all(&response.body)?;
    writeln!(stdout)?;
    if let Some(directory) = &options.out {
        files::write(&outcome.files, directory)
            .with_context(|| format!("cannot write all files to {}", directory.display()))?;
    }
    Ok(match outcome.result {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}
