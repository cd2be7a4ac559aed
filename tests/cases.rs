//! Runs every script of `tests/cases/` and compares the answer with the one beside it.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use common::{Answer, Server};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// A script and what must come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    script: String,
    /// JSON; there is none when the script fails.
    result: Option<String>,
    #[serde(default)]
    stdout: String,
    /// Of the failure; the rest too.
    kind: Option<String>,
    error: Option<String>,
    error_starts: Option<String>,
    stderr: Option<String>,
    #[serde(default)]
    stderr_has: Vec<String>,
    #[serde(default)]
    stderr_lacks: Vec<String>,
}

/// The body of a 200.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Success {
    result: Box<RawValue>,
    stdout: String,
}

/// The body of anything else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    error: String,
    stdout: String,
    stderr: String,
}

fn check_area(area: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(format!("{area}.toml"));
    let text = fs::read_to_string(&path).expect("the area has a file");
    let cases: Cases = toml::from_str(&text).expect("the file holds cases");
    let server = Server::start(&[]);
    let (mut names, mut wrong) = (BTreeSet::new(), String::new());
    for case in &cases.case {
        assert!(
            names.insert(&case.name),
            "two cases are called {:?}",
            case.name
        );
        if let Err(problem) = case.check(&server.execute(&case.script)) {
            let _ = writeln!(wrong, "--- {}\n{problem}", case.name);
        }
    }
    assert!(wrong.is_empty(), "{area}:\n{wrong}");
}

impl Case {
    fn check(&self, answer: &Answer) -> Result<(), String> {
        match &self.result {
            Some(result) => self.check_success(answer, result),
            None => self.check_failure(answer),
        }
    }

    fn check_success(&self, answer: &Answer, result: &str) -> Result<(), String> {
        let success: Success = parse(answer)?;
        same("status", &answer.status, &200)?;
        same("result", &tokens(success.result.get()), &tokens(result))?;
        same("stdout", &success.stdout, &self.stdout)
    }

    fn check_failure(&self, answer: &Answer) -> Result<(), String> {
        let failure: Failure = parse(answer)?;
        same("status", &answer.status, &400)?;
        same("kind", &Some(answer.kind()), &self.kind.as_deref())?;
        match (&self.error, &self.error_starts) {
            (Some(error), _) => same("error", &failure.error, error)?,
            (None, Some(start)) if failure.error.starts_with(start) => {}
            (None, start) => {
                return Err(format!("error is {:?}, not {start:?}...", failure.error));
            }
        }
        same("stdout", &failure.stdout, &self.stdout)?;
        if let Some(stderr) = &self.stderr {
            same("stderr", &failure.stderr, stderr)?;
        }
        for text in &self.stderr_has {
            if !failure.stderr.contains(text) {
                return Err(format!("stderr lacks {text:?}:\n{}", failure.stderr));
            }
        }
        for text in &self.stderr_lacks {
            if failure.stderr.contains(text) {
                return Err(format!("stderr has {text:?}:\n{}", failure.stderr));
            }
        }
        Ok(())
    }
}

fn parse<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<T, String> {
    serde_json::from_str(&answer.body).map_err(|error| format!("{error} in {answer:?}"))
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should_be: &T) -> Result<(), String> {
    if is == should_be {
        return Ok(());
    }
    Err(format!("{what} is\n  {is:?}\nnot\n  {should_be:?}"))
}

/// JSON as tokens: strings decoded as far as Unicode goes, numbers digit by digit, and no white
/// space. So two texts are equal when they mean the same, without a float in between.
fn tokens(json: &str) -> Vec<String> {
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

/// One test for each file of cases.
macro_rules! areas {
    ($($area:ident)*) => {
        $(#[test]
        fn $area() {
            check_area(stringify!($area));
        })*

        #[test]
        fn every_file_is_an_area() {
            let areas: BTreeSet<_> = [$(concat!(stringify!($area), ".toml")),*].into();
            let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
            for entry in fs::read_dir(directory).expect("there are cases") {
                let name = entry.expect("the directory can be read").file_name();
                assert!(areas.contains(&*name.to_string_lossy()), "nothing runs {name:?}");
            }
        }
    };
}

areas! { environment errors files language main not_serializable output results stdlib syntax }
