//! Every setting of the service: one field is flag, environment variable, default and help text.
//!
//! Each heading of `--help` is a struct with a file of its own; `values` reads what people write.

mod access;
mod capacity;
mod request;
mod run;
mod service;
mod values;

use std::env;

use clap::Parser;
use clap::error::{ContextKind, ErrorKind};

use crate::machine::Machine;
use access::AccessSettings;
pub use access::{Access, Allowed, Oidc, Rate, RateLimit, Secret, cannot_be_overheard};
pub use capacity::Capacity;
use capacity::CapacitySettings;
pub use request::RequestLimits;
pub use run::RunLimits;
pub use service::{LogFormat, Service};

/// Runs untrusted Python scripts behind one HTTP endpoint: POST /execute.
///
/// Each setting is a flag or an environment variable; the flag wins. Durations are written like
/// 500ms, 10s or 1m; sizes like 50MB (50,000,000 bytes) or 1MiB (1,048,576 bytes).
#[derive(Debug, Clone, Parser)]
#[command(name = "python-executor", version)]
pub struct Config {
    /// Where the service listens, what it finds and what it says.
    #[command(flatten)]
    pub service: Service,

    /// How much one run may use.
    #[command(flatten)]
    pub run: RunLimits,

    /// How large and how slow one request may be.
    #[command(flatten)]
    pub request: RequestLimits,

    #[command(flatten)]
    capacity_settings: CapacitySettings,

    /// How much the service takes on at once, on this machine.
    #[arg(skip)]
    pub capacity: Capacity,

    #[command(flatten)]
    access_settings: AccessSettings,

    /// Who may call, and how often.
    #[arg(skip)]
    pub access: Access,
}

impl Config {
    /// Reads flags and environment, for a service on `machine`.
    ///
    /// # Errors
    /// When a setting makes no sense; also for `--help` and `--version`, which clap treats alike.
    pub fn load(machine: Machine) -> Result<Self, clap::Error> {
        Self::parse_for(env::args_os(), machine)
    }

    fn parse_for<I, T>(args: I, machine: Machine) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let mut config = Self::try_parse_from(args)?;
        let run_memory = config.run.most_memory();
        config.capacity = config.capacity_settings.on(machine, run_memory);
        let checked = config.check(machine);
        config.access = checked
            .and_then(|()| config.access_settings.resolve())
            .map_err(|problem| clap::Error::raw(ErrorKind::ValueValidation, problem))?;
        Ok(config)
    }

    /// What no single value can tell.
    fn check(&self, machine: Machine) -> Result<(), String> {
        self.capacity.check(machine, self.run.most_memory())?;
        self.service.check()
    }

    /// Whether the memory of the machine is enough for all runs at once, each at its limits.
    #[must_use]
    pub fn fits_into_memory(&self, machine: Machine) -> bool {
        u64::from(self.capacity.concurrent) * self.run.most_memory() <= machine.memory
    }
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
