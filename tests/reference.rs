//! docs/settings.md tells of every setting what the program itself says.

use std::fmt::Write;
use std::{env, fs};

use clap::{Arg, Args, Command};
use python_executor::config::Config;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md");

const INTRODUCTION: &str = "# Settings

Written by `cargo xtask settings` from the program's own help; change it there.

Each setting is an environment variable or a flag of the same name: `CPU_LIMIT=2s` or `--cpu-limit 2s`. The flag
wins. A variable may also begin with `PYTHON_EXECUTOR_`: `PYTHON_EXECUTOR_CPU_LIMIT=2s` wins over `CPU_LIMIT`. Prefer
that for `HOST`, `PYTHON` and `LOG`, which shells and other tools set for purposes of their own. Platforms set `PORT`.

Switches are `true` or `false`; `yes` and `no`, `on` and `off`, `1` and `0` mean the same. Durations are written like
`500ms`, `10s` or `1m`, sizes like `50MB` (50,000,000 bytes) or `1MiB` (1,048,576 bytes). A value that makes no sense
is refused at the start, in one line.
";

#[test]
fn the_reference_says_what_the_program_says() {
    let said = reference();
    if env::var_os("WRITE_REFERENCE").is_some() {
        fs::write(FILE, said).expect("the file can be written");
        return;
    }
    let written = fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        written == said,
        "docs/settings.md is out of date; `cargo xtask settings` writes it anew"
    );
}

fn reference() -> String {
    let command = Config::augment_args(Command::new("python-executor"));
    let settings: Vec<_> = command
        .get_arguments()
        .filter(|arg| arg.get_env().is_some())
        .collect();
    let mut headings: Vec<&str> = Vec::new();
    for heading in settings.iter().filter_map(|arg| arg.get_help_heading()) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    let mut text = INTRODUCTION.to_owned();
    for heading in headings {
        write!(
            text,
            "\n## {heading}\n\n| setting | default | what it is |\n|---|---|---|\n"
        )
        .expect("a string takes all");
        for arg in settings
            .iter()
            .filter(|arg| arg.get_help_heading() == Some(heading))
        {
            text += &line(arg);
        }
    }
    text
}

/// The line of the table that tells of one setting.
fn line(arg: &Arg) -> String {
    let name = arg
        .get_env()
        .expect("a setting has a variable")
        .to_string_lossy();
    let help = arg
        .get_long_help()
        .or(arg.get_help())
        .expect("a setting has help");
    let help = help
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    // Defaults that depend on the machine are told in words.
    let (help, told) = match help.split_once("[default: ") {
        Some((help, rest)) => (
            help.trim(),
            rest.trim_end_matches('.').trim_end_matches(']'),
        ),
        None => (help.as_str(), ""),
    };
    let values: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    let default = match values.as_slice() {
        [] => told.to_owned(),
        values => format!("`{}`", values.join(",")),
    };
    let choices: Vec<_> = arg
        .get_possible_values()
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    let choices = match choices.as_slice() {
        [] => String::new(),
        choices => format!(" One of {}.", choices.join(", ")),
    };
    let stop = if help.ends_with('.') { "" } else { "." };
    format!(
        "| `{name}` | {default} | {}{stop}{choices} |\n",
        help.replace('|', "\\|")
    )
}
