//! Subcommands of the program.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::value::RawValue;

/// A subcommand.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run one script without a server, with the same limits, and print the body that POST /execute would
    /// return.
    ///
    /// The exit code is 0 for a result, 1 for an error, and 2 if there was nothing to run.
    Run(Box<RunOptions>),

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

/// A request, as options of a command line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Request")]
pub struct RunOptions {
    /// File with the script; - is standard input.
    #[arg(value_name = "FILE", help_heading = "Arguments")]
    pub script: PathBuf,

    /// Positional argument of main(); repeatable.
    #[arg(long = "arg", value_name = "JSON", value_parser = json, allow_hyphen_values = true)]
    pub args: Vec<String>,

    /// Keyword argument of main(); repeatable.
    #[arg(long = "kwarg", value_name = "NAME=JSON", value_parser = json_pair)]
    pub kwargs: Vec<(String, String)>,

    /// File for the script's working directory; repeatable. There it has the same relative path, the last part of an
    /// absolute one, or NAME.
    #[arg(long = "file", value_name = "[NAME=]PATH")]
    pub files: Vec<String>,

    /// Pass this command's standard input to the script.
    #[arg(long)]
    pub stdin: bool,

    /// Variable for os.environ; repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub env: Vec<(String, String)>,

    /// Item of sys.argv[1:]; repeatable.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub argv: Vec<String>,

    /// Run the script as a notebook cell: the result is the value of its last expression.
    #[arg(long)]
    pub cell: bool,

    /// Limit that is lower than the setting, such as cpu=1s; repeatable.
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = pair)]
    pub limits: Vec<(String, String)>,

    /// Seed of all random numbers.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,

    /// Time at which the script's clock starts, such as 2026-01-31T09:30:00Z.
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,

    /// One more key of the response, such as usage; repeatable.
    #[arg(long, value_name = "KEY")]
    pub include: Vec<String>,

    /// Write the files that the script makes or changes to this directory.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("no `=` after the name")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn json_pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text)?;
    Ok((name, json(&value)?))
}

fn json(text: &str) -> Result<String, String> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) => Ok(value.get().to_owned()),
        Err(error) => Err(format!(
            "not JSON: {error}; a string needs double quotes, as in '\"text\"'"
        )),
    }
}
