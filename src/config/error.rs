//! Errors of the command line and the settings, each one line for the user.

use std::fmt;

use clap::error::ContextKind;

/// An error that ends the program before it starts its command.
#[derive(Debug)]
pub enum ConfigError {
    /// The command line or a value cannot be parsed; also `--help` and `--version`, which clap returns as
    /// errors.
    Usage(clap::Error),
    /// A setting is invalid by itself, in combination with others, or on this machine.
    Invalid(String),
}

impl From<clap::Error> for ConfigError {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

impl From<String> for ConfigError {
    fn from(problem: String) -> Self {
        Self::Invalid(problem)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => f.write_str(&one_line(error)),
            // Values of settings can contain line breaks.
            Self::Invalid(problem) => f.write_str(&join_lines(problem)),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Returns clap's text in one line, without the usage and the reference to `--help` at its end.
pub(super) fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    // From the end, because the values that are quoted before can contain any text.
    let before = |text: &str, end| text.rsplit_once(end).map_or(text, |(text, _)| text).len();
    let mut message = &text[..before(&text, "For more information")];
    if error.get(ContextKind::Usage).is_some() {
        message = &message[..before(message, "Usage:")];
    }
    join_lines(message.strip_prefix("error: ").unwrap_or(message))
}

/// Replaces control characters, line breaks among them, by single spaces.
fn join_lines(text: &str) -> String {
    let parts = text.split(char::is_control).map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
