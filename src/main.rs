//! The program: reads its settings and does what it was asked to.

mod commands;

use std::process::ExitCode;

use python_executor::config::{self, Command, Config};
use python_executor::system::SystemResources;
use python_executor::telemetry;

fn main() -> ExitCode {
    let resources = SystemResources::detect();
    let config = match Config::load(resources) {
        Ok(config) => config,
        Err(error) if error.use_stderr() => return commands::bad_usage(&config::one_line(&error)),
        Err(help_or_version) => help_or_version.exit(),
    };
    telemetry::init(&config.service);
    let done = match &config.command {
        None => commands::serve(config, resources),
        Some(Command::Run { file }) => commands::run(&config, file),
        Some(Command::Check) => commands::check(&config, resources),
        Some(Command::Healthcheck { ready }) => commands::healthcheck(&config.service, *ready),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
