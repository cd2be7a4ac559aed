//! The settings in effect, with the source of each.

use clap::parser::ValueSource;
use clap::{Arg, CommandFactory};

use super::Config;

/// Shown in place of a secret.
const SECRET: &str = "(secret)";

/// A setting in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The environment variable.
    pub name: String,
    /// The first paragraph of its help text, without the final period.
    pub help: String,
    /// As it was written or computed. A secret is not shown.
    pub value: String,
    /// The source of the value.
    pub source: Source,
}

/// The source of a setting's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The default.
    Default,
    /// The default, computed from the machine's resources.
    Machine,
    /// The environment variable.
    Environment,
    /// The flag.
    Flag,
}

impl Config {
    /// All settings, in the order of `--help`.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        let command = Self::command();
        let settings = command.get_arguments().filter_map(|arg| self.setting(arg));
        settings.collect()
    }

    fn setting(&self, arg: &Arg) -> Option<Setting> {
        let name = arg.get_env()?.to_string_lossy().into_owned();
        let id = arg.get_id().as_str();
        let source = match self.matches.0.value_source(id) {
            Some(ValueSource::CommandLine) => Source::Flag,
            Some(ValueSource::EnvVariable) => Source::Environment,
            _ => Source::Default,
        };
        let written = self.matches.0.get_raw(id).map(|values| {
            let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
            values.join(",")
        });
        let (value, source) = match (written, self.computed(id)) {
            // Values that are hidden in --help are secrets.
            (Some(_), _) if arg.is_hide_env_values_set() => (SECRET.to_owned(), source),
            (Some(written), _) => (written, source),
            (None, Some(number)) => (number.to_string(), Source::Machine),
            (None, None) => ("not set".to_owned(), source),
        };
        Some(Setting {
            name,
            help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
            value,
            source,
        })
    }

    /// Returns the value of a setting whose default depends on the machine. clap's ids are the names of the fields.
    fn computed(&self, id: &str) -> Option<u32> {
        match id {
            "max_concurrent" => Some(self.capacity.concurrent),
            "max_queue" => Some(self.capacity.queue),
            "max_connections" => Some(self.capacity.connections),
            _ => None,
        }
    }
}
