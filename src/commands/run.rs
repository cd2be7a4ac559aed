//! The command `run`: runs one script in the same sandbox, with the same limits and response, without a server.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use python_executor::config::Config;
use python_executor::display::Bytes;
use python_executor::http::{Include, JsonResponse};
use python_executor::sandbox::{Interpreter, Job, Runtime};
use tokio::runtime;

use super::bad_usage;

/// Stands in for the request id, by which the log shows the details of an internal error.
const ID: &str = "run";

/// Runs the script in `file` and prints the response body.
///
/// # Errors
/// When Python cannot be loaded or the response cannot be printed.
pub fn run(config: &Config, file: &Path) -> anyhow::Result<ExitCode> {
    let script = match read(file, config.request.script_limit) {
        Ok(script) => script,
        Err(problem) => return Ok(bad_usage(&problem)),
    };
    let limits = config.run.limits();
    let sandbox = Runtime::new(1, limits.memory, config.service.temp_root.as_deref())?;
    let interpreter = Interpreter::load(&sandbox, &config.service.python()?)?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(interpreter.run_and_clean_up(Job::new(script, limits)));
    let response = JsonResponse::from_outcome(&outcome, Include::default(), Duration::ZERO, ID);

    let mut stdout = io::stdout().lock();
    stdout.write_all(&response.body)?;
    writeln!(stdout)?;
    Ok(match outcome.result {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// Reads the script in `file`; the error is one line for the user.
fn read(file: &Path, limit: usize) -> Result<String, String> {
    let name = file.display();
    let mut source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).map_err(|error| format!("cannot open {name}: {error}"))?)
    };
    let mut bytes = Vec::new();
    // One byte more than the limit shows that the script is too long.
    let max = (limit as u64).saturating_add(1);
    (&mut source)
        .take(max)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot read {name}: {error}"))?;
    if bytes.len() > limit {
        return Err(format!(
            "{name} exceeds the limit of {} (SCRIPT_LIMIT)",
            Bytes(limit)
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{name} is not UTF-8: see byte {at}")
    })
}
