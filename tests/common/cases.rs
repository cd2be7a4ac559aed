//! Reads the files of `tests/cases/` and `tests/attacks/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Response;

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// Reads `tests/<name>/<area>.toml`.
pub fn read<T: DeserializeOwned>(name: &str, area: &str) -> T {
    let path = directory(name).join(format!("{area}.toml"));
    let text = fs::read_to_string(&path).expect("the area has a file");
    toml::from_str(&text).expect("the file holds cases")
}

/// Checks that no file of `tests/<name>/` is without a test.
pub fn assert_all_run(name: &str, areas: &[&str]) {
    for entry in fs::read_dir(directory(name)).expect("there are cases") {
        let file = entry.expect("the directory can be read").file_name();
        let file = file.to_string_lossy();
        let known = file
            .strip_suffix(".toml")
            .is_some_and(|area| areas.contains(&area));
        assert!(known, "nothing runs {file:?}");
    }
}

/// Checks that names are unique.
pub fn assert_unique<'a>(names: impl Iterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    for name in names {
        assert!(seen.insert(name), "two cases are called {name:?}");
    }
}

/// The body of a 200.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// As it came.
    pub result: Box<RawValue>,
    /// The script's standard output.
    pub stdout: String,
}

/// The body of anything else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The error.
    pub error: String,
    /// The script's standard output.
    pub stdout: String,
    /// The script's standard error.
    pub stderr: String,
}

/// The body of a response.
pub fn parse<'a, T: Deserialize<'a>>(response: &'a Response) -> Result<T, String> {
    serde_json::from_str(&response.body).map_err(|error| format!("{error} in {response:?}"))
}

/// Says so when something is not as it should be.
pub fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    is: &T,
    should_be: &T,
) -> Result<(), String> {
    if is == should_be {
        return Ok(());
    }
    Err(format!("{what} is\n  {is:?}\nnot\n  {should_be:?}"))
}

/// JSON as tokens: strings decoded as far as Unicode goes, numbers digit by digit, and no white
/// space. So two texts are equal when they mean the same, without a float in between.
pub fn tokens(json: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = json.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            '[' | ']' | '{' | '}' | ',' | ':' => 1,
            _ => rest
                .find(|c: char| c.is_whitespace() || "[]{},:\"".contains(c))
                .unwrap_or(rest.len()),
        };
        let token = &rest[..length];
        // A lone surrogate cannot be decoded; its escape stands for itself.
        let decoded = serde_json::from_str::<String>(token).map(|text| format!("\"{text}\""));
        tokens.push(decoded.unwrap_or_else(|_| token.to_owned()));
        rest = rest[length..].trim_start();
    }
    tokens
}

fn string_length(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return at + 1,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    text.len()
}
