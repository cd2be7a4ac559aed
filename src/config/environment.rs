//! Environment variables: the names of settings there.

use std::env;
use std::ffi::OsString;

use clap::Command;
use clap::error::ContextKind;

use super::ConfigError;
use super::error::one_line;

/// Prefix of variables that no other tool uses; HOST, PYTHON and LOG are used by others, too.
pub const PREFIX: &str = "PYTHON_EXECUTOR_";

/// Makes settings prefer the variable with the prefix if it is set.
pub(super) fn prefer_prefixed(command: Command) -> Command {
    command.mut_args(|arg| {
        let name = arg.get_env().map(|name| name.to_string_lossy());
        let prefixed = name.map(|name| format!("{PREFIX}{name}"));
        match prefixed.filter(|name| env::var_os(name).is_some()) {
            Some(prefixed) => arg.env(prefixed),
            None => arg,
        }
    })
}

/// Names the variable in an error about its value: clap always names the flag.
pub(super) fn name_variable(
    error: clap::Error,
    command: &Command,
    args: &[OsString],
) -> ConfigError {
    let shown = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    let Some(shown) = shown else {
        return error.into();
    };
    let long = shown
        .trim_start_matches('-')
        .split([' ', '[', '='])
        .next()
        .unwrap_or_default();
    let flag = format!("--{long}");
    let given = args.iter().any(|arg| {
        let rest = arg.to_str().and_then(|arg| arg.strip_prefix(&flag));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    });
    let mut settings = command.get_arguments();
    let variable = settings
        .find(|arg| arg.get_long() == Some(long))
        .and_then(|arg| arg.get_env())
        .filter(|name| !given && env::var_os(name).is_some());
    let Some(variable) = variable else {
        return error.into();
    };
    let line = one_line(&error);
    // From the end, because the value that is quoted before can contain any text.
    let Some((before, after)) = line.rsplit_once(&format!("'{shown}'")) else {
        return error.into();
    };
    let variable = variable.to_string_lossy();
    ConfigError::Invalid(format!(
        "{before}the environment variable {variable}{after}"
    ))
}
