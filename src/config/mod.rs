//! Every setting of the service: one field is flag, environment variable, default and help text.
//!
//! Each heading of `--help` is a struct in a file of its own. `values` parses durations, sizes and other
//! values, `command` has the subcommands, and `settings` lists the settings in effect.

mod access;
mod capacity;
mod command;
mod environment;
mod host;
mod request;
mod run;
mod service;
mod settings;
mod values;

use std::env;
use std::ffi::OsString;
use std::fmt;

use bytesize::ByteSize;
use clap::error::{ContextKind, ErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};

use crate::system::SystemResources;
use access::AccessSettings;
pub use access::{Access, Allowed, Oidc, Rate, RateLimit, Secret, is_secure_origin};
pub use capacity::Capacity;
use capacity::CapacitySettings;
pub use command::Command;
pub use environment::PREFIX;
pub use host::Host;
pub use request::RequestLimits;
pub use run::RunLimits;
pub use service::{LogFormat, Service};
pub use settings::{Setting, Source};

/// Open files that belong neither to connections nor to runs: those of threads, admin connections, and
/// directories that are being removed.
const OWN_OPEN_FILES: u64 = 512;

/// Runs untrusted Python scripts behind one HTTP endpoint: POST /execute.
///
/// Without a command, it serves. Each setting is a flag or an environment variable; the flag takes precedence.
/// A variable may have the prefix PYTHON_EXECUTOR_, which takes precedence over the one without. Durations are
/// written like 500ms, 10s or 1m; sizes like 50MB (50,000,000 bytes) or 1MiB (1,048,576 bytes).
#[derive(Debug, Clone, Parser)]
#[command(name = "python-executor", version)]
pub struct Config {
    /// Addresses, files, log and shutdown.
    #[command(flatten)]
    pub service: Service,

    /// Limits of one run.
    #[command(flatten)]
    pub run: RunLimits,

    /// Limits of one request.
    #[command(flatten)]
    pub request: RequestLimits,

    #[command(flatten)]
    capacity_settings: CapacitySettings,

    /// Capacity on this machine.
    #[arg(skip)]
    pub capacity: Capacity,

    #[command(flatten)]
    access_settings: AccessSettings,

    /// Authentication and rate limits.
    #[arg(skip)]
    pub access: Access,

    /// The subcommand; without one, the program serves.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// What has been said, and where.
    #[arg(skip)]
    said: Said,
}

/// What has been said, as clap keeps it. Keys are in there in plain text, so it is not for showing.
#[derive(Clone, Default)]
struct Said(ArgMatches);

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Said")
    }
}

impl Config {
    /// Reads flags and environment, for a service on `machine`.
    ///
    /// # Errors
    /// When a setting makes no sense; also for `--help` and `--version`, which clap treats alike.
    pub fn load(resources: SystemResources) -> Result<Self, clap::Error> {
        Self::parse_for(env::args_os(), resources)
    }

    fn parse_for<I, T>(args: I, resources: SystemResources) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString>,
    {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        // Global: settings may stand before and after the name of a command.
        let command = Self::command().mut_args(|arg| arg.global(true));
        let mut command = environment::prefer_prefixed(command);
        let matches = command.try_get_matches_from_mut(&args);
        let matches = matches.map_err(|error| environment::blame(error, &command, &args))?;
        let mut config = Self::from_arg_matches(&matches)?;
        let run_memory = config.run.max_memory();
        let files = |runs| config.other_open_files(runs);
        config.capacity = config.capacity_settings.on(resources, run_memory, files);
        config.access = config.access_settings.resolve().map_err(refusal)?;
        config.said = Said(matches);
        config.capacity.check().map_err(refusal)?;
        Ok(config)
    }

    /// Refuses what cannot work on `machine`.
    ///
    /// # Errors
    /// When a setting does not fit; the message says what to change.
    pub fn check(&self, resources: SystemResources) -> Result<(), clap::Error> {
        self.check_memory(resources)
            .and_then(|()| self.check_address_space(resources))
            .and_then(|()| self.check_open_files(resources))
            .and_then(|()| self.service.check())
            .map_err(refusal)
    }

    /// Refuses limits of a run that alone take more than all memory of `machine`.
    ///
    /// # Errors
    /// When they do; the message says what to lower.
    pub fn check_memory(&self, resources: SystemResources) -> Result<(), String> {
        let run_memory = self.run.max_memory();
        if run_memory > resources.memory {
            return Err(format!(
                "there is {} of memory, but a single script may use {}: lower MEMORY_LIMIT, \
                 DISK_LIMIT or RESULT_LIMIT",
                ByteSize::b(resources.memory),
                ByteSize::b(run_memory)
            ));
        }
        Ok(())
    }

    /// Refuses more runs at once than the address space of `machine` has room for.
    ///
    /// # Errors
    /// When it has not; the message says what to change.
    pub fn check_address_space(&self, resources: SystemResources) -> Result<(), String> {
        self.capacity.check_address_space(resources)
    }

    /// Refuses more connections and runs at once than there are file descriptors for.
    ///
    /// # Errors
    /// When the process may not have that many; the message says what to change.
    pub fn check_open_files(&self, resources: SystemResources) -> Result<(), String> {
        let Some(limit) = resources.open_files else {
            return Ok(());
        };
        let needed = self.max_open_files();
        if needed <= limit {
            return Ok(());
        }
        let Capacity {
            concurrent,
            queue,
            connections,
            ..
        } = self.capacity;
        let files = self.run.open_files_limit;
        let left = u64::from(connections).saturating_sub(needed - limit);
        let lower = if left >= u64::from(concurrent) + u64::from(queue) {
            format!("lower MAX_CONNECTIONS to {left}")
        } else {
            "lower MAX_CONNECTIONS, MAX_CONCURRENT and MAX_QUEUE".to_owned()
        };
        Err(format!(
            "this process may have {limit} files open (ulimit -n), too few for {connections} \
             connections (MAX_CONNECTIONS) and {concurrent} scripts at once (MAX_CONCURRENT) with \
             {files} files each (OPEN_FILES_LIMIT), which need {needed}: raise that limit or {lower}"
        ))
    }

    /// Whether the memory of the machine is enough for all runs at once, each at its limits.
    #[must_use]
    pub fn fits_into_memory(&self, resources: SystemResources) -> bool {
        self.max_memory() <= resources.memory
    }

    /// Bytes of memory that all runs at once may take, each at its limits.
    #[must_use]
    pub fn max_memory(&self) -> u64 {
        u64::from(self.capacity.concurrent) * self.run.max_memory()
    }

    /// Files that may be open at once: connections, those of all runs, and a few of the service.
    #[must_use]
    pub fn max_open_files(&self) -> u64 {
        u64::from(self.capacity.connections) + self.other_open_files(self.capacity.concurrent)
    }

    /// Those that are no connections, with so many runs at once.
    fn other_open_files(&self, runs: u32) -> u64 {
        let of_a_run = u64::from(self.run.open_files_limit) + 1;
        u64::from(runs) * of_a_run + OWN_OPEN_FILES
    }
}

fn refusal(problem: String) -> clap::Error {
    clap::Error::raw(ErrorKind::ValueValidation, problem)
}

/// The one line that says what is wrong with a setting; clap spreads it over several.
#[must_use]
pub fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    // From the end, because the values that are quoted before can hold any text.
    let before = |text: &str, end| text.rsplit_once(end).map_or(text, |(text, _)| text).len();
    let mut telling = &text[..before(&text, "For more information")];
    if error.get(ContextKind::Usage).is_some() {
        telling = &telling[..before(telling, "Usage:")];
    }
    let parts = telling.split(char::is_control).map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
