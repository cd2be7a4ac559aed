//! The program: reads its settings and runs its command.

mod commands;

use std::process::ExitCode;

use python_executor::config::{Command, Config, ConfigError};
use python_executor::system::SystemResources;
use python_executor::telemetry;

fn main() -> ExitCode {
    let resources = SystemResources::detect();
    let config = match Config::load(resources) {
        Ok(config) => config,
        // Help or version, which go to standard output.
        Err(ConfigError::Usage(output)) if !output.use_stderr() => output.exit(),
        Err(error) => return commands::bad_usage(&error.to_string()),
    };
    telemetry::init(&config.service);
    let done = match &config.command {
        None => commands::serve(config, resources),
        Some(Command::Run(options)) => commands::run(&config, options),
        Some(Command::Check) => commands::check(&config, resources),
        Some(Command::Healthcheck { ready }) => commands::healthcheck(&config.service, *ready),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
