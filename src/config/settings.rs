//! The settings in effect: what each is, and who said so.

use clap::parser::ValueSource;
use clap::{Arg, CommandFactory};

use super::Config;

/// What is shown of a secret.
const SECRET: &str = "(secret)";

/// A setting in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The environment variable.
    pub name: String,
    /// As it was written, or as it was worked out. A secret is not shown.
    pub value: String,
    /// Who said so.
    pub source: Source,
}

/// Where the value of a setting is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Nobody has said anything.
    Default,
    /// Nobody has said anything, and it depends on the machine.
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
        let source = match self.said.0.value_source(id) {
            Some(ValueSource::CommandLine) => Source::Flag,
            Some(ValueSource::EnvVariable) => Source::Environment,
            _ => Source::Default,
        };
        let said = self.said.0.get_raw(id).map(|values| {
            let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
            values.join(",")
        });
        let capacity = match id {
            "max_concurrent" => Some(self.capacity.concurrent),
            "max_queue" => Some(self.capacity.queue),
            "max_connections" => Some(self.capacity.connections),
            _ => None,
        };
        let (value, source) = match (said, capacity) {
            // Settings whose values do not show in --help should not show here.
            (Some(_), _) if arg.is_hide_env_values_set() => (SECRET.to_owned(), source),
            (Some(said), _) => (said, source),
            (None, Some(number)) => (number.to_string(), Source::Machine),
            (None, None) => ("not set".to_owned(), source),
        };
        Some(Setting {
            name,
            value,
            source,
        })
    }
}
