//! Every setting of the service: one field is flag, environment variable, default and help text.
//!
//! Each heading of `--help` is a struct in a file of its own. `values` parses durations, sizes and other
//! values, `lower` lowers limits for one run, `command` has the subcommands, and `settings` lists the settings
//! in effect.

mod access;
mod capacity;
mod command;
mod environment;
mod error;
mod host;
mod lower;
mod request;
mod run;
mod service;
mod settings;
mod values;

use std::env;
use std::ffi::OsString;
use std::fmt;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};

use crate::display::RoundedBytes;
use crate::system::SystemResources;
use access::AccessSettings;
pub use access::{Access, Allowed, Oidc, Rate, RateLimit, Secret, is_secure_origin};
pub use capacity::Capacity;
use capacity::CapacitySettings;
pub use command::{Command, RunOptions};
pub use environment::PREFIX;
pub use error::ConfigError;
pub use host::Host;
pub use lower::lower;
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

    /// The parsed arguments, with the source of each.
    #[arg(skip)]
    matches: Matches,
}

/// clap's matches, without their `Debug` output: they contain keys in plain text.
#[derive(Clone, Default)]
struct Matches(ArgMatches);

impl fmt::Debug for Matches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Matches")
    }
}

impl Config {
    /// Reads the flags and the environment, with defaults that suit `resources`.
    ///
    /// # Errors
    /// When a setting is invalid; also for `--help` and `--version`.
    pub fn load(resources: SystemResources) -> Result<Self, ConfigError> {
        Self::parse_for(env::args_os(), resources)
    }

    fn parse_for<I, T>(args: I, resources: SystemResources) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString>,
    {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        // Global: settings may come before and after the name of a command.
        let command = Self::command().mut_args(|arg| arg.global(true));
        let mut command = environment::prefer_prefixed(command);
        let matches = command.try_get_matches_from_mut(&args);
        let matches =
            matches.map_err(|error| environment::name_variable(error, &command, &args))?;
        let mut config = Self::from_arg_matches(&matches)?;
        let run_memory = config.run.max_memory();
        let files = |runs| config.other_open_files(runs);
        config.capacity = config.capacity_settings.on(resources, run_memory, files);
        config.access = config.access_settings.resolve()?;
        config.matches = Matches(matches);
        config.capacity.check()?;
        Ok(config)
    }

    /// Checks that the settings fit `resources`.
    ///
    /// # Errors
    /// When a setting does not fit; the message says what to change.
    pub fn check(&self, resources: SystemResources) -> Result<(), ConfigError> {
        self.check_memory(resources)?;
        self.check_address_space(resources)?;
        self.check_open_files(resources)?;
        self.service.check()?;
        Ok(())
    }

    /// Checks that the memory suffices for a single run at its limits.
    ///
    /// # Errors
    /// When it does not; the message says what to lower.
    pub fn check_memory(&self, resources: SystemResources) -> Result<(), String> {
        let run_memory = self.run.max_memory();
        if run_memory > resources.memory {
            return Err(format!(
                "there is {} of memory, but a single script may use {}: lower MEMORY_LIMIT, \
                 DISK_LIMIT or RESULT_LIMIT",
                RoundedBytes(resources.memory),
                RoundedBytes(run_memory)
            ));
        }
        Ok(())
    }

    /// Checks that the address space suffices for all runs at once.
    ///
    /// # Errors
    /// When it does not; the message says what to change.
    pub fn check_address_space(&self, resources: SystemResources) -> Result<(), String> {
        self.capacity.check_address_space(resources)
    }

    /// Checks that the limit of open files suffices for all connections and runs at once.
    ///
    /// # Errors
    /// When it does not; the message says what to change.
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

    /// Whether the memory suffices for all runs at once, each at its limits.
    #[must_use]
    pub fn fits_into_memory(&self, resources: SystemResources) -> bool {
        self.max_memory() <= resources.memory
    }

    /// Returns how many bytes of memory all runs at once take, each at its limits.
    #[must_use]
    pub fn max_memory(&self) -> u64 {
        u64::from(self.capacity.concurrent) * self.run.max_memory()
    }

    /// Returns how many files may be open at once: connections, files of all runs, and a few of the service.
    #[must_use]
    pub fn max_open_files(&self) -> u64 {
        u64::from(self.capacity.connections) + self.other_open_files(self.capacity.concurrent)
    }

    /// Returns how many files may be open besides connections, with this number of runs at once.
    fn other_open_files(&self, runs: u32) -> u64 {
        let per_run = u64::from(self.run.open_files_limit) + 1;
        u64::from(runs) * per_run + OWN_OPEN_FILES
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
