//! Runs every script of `tests/cases/` and compares the response with the expected one.

mod common;

use std::fmt::Write;

use common::cases::{self, Failure, Success, parse, same, tokens};
use common::{Response, Server};
use serde::Deserialize;

/// A file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// A script and its expected outcome.
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

fn check_area(area: &str) {
    let Cases { case: cases } = cases::read("cases", area);
    cases::assert_unique(cases.iter().map(|case| &*case.name));
    let server = Server::start(&[]);
    let mut wrong = String::new();
    for case in &cases {
        if let Err(problem) = case.check(&server.execute(&case.script)) {
            let _ = writeln!(wrong, "--- {}\n{problem}", case.name);
        }
    }
    assert!(wrong.is_empty(), "{area}:\n{wrong}");
}

impl Case {
    fn check(&self, response: &Response) -> Result<(), String> {
        match &self.result {
            Some(result) => self.check_success(response, result),
            None => self.check_failure(response),
        }
    }

    fn check_success(&self, response: &Response, result: &str) -> Result<(), String> {
        let success: Success = parse(response)?;
        same("status", &response.status, &200)?;
        same("result", &tokens(success.result.get()), &tokens(result))?;
        same("stdout", &success.stdout, &self.stdout)
    }

    fn check_failure(&self, response: &Response) -> Result<(), String> {
        let failure: Failure = parse(response)?;
        same("status", &response.status, &400)?;
        same("kind", &Some(response.kind()), &self.kind.as_deref())?;
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

/// One test for each file of cases.
macro_rules! areas {
    ($($area:ident)*) => {
        $(#[test]
        fn $area() {
            check_area(stringify!($area));
        })*

        #[test]
        fn every_file_is_an_area() {
            cases::assert_all_run("cases", &[$(stringify!($area)),*]);
        }
    };
}

areas! { arguments differences environment errors files language linux main network not_serializable output results scarce_memory start_up stdlib syntax }

/// The table that README and `/docs` show.
const DIFFERENCES: &str = include_str!("../src/http/documents/differences.md");

#[test]
fn every_difference_has_a_case() {
    let Cases { case: cases } = cases::read("cases", "differences");
    let cases: Vec<_> = cases.iter().map(|case| case.name.clone()).collect();
    let rows = DIFFERENCES.lines().skip(2);
    let rows = rows.filter_map(|row| row.trim_start_matches("| ").split_once(" | "));
    let rows: Vec<_> = rows.map(|(linux, _)| linux.replace('`', "")).collect();
    assert_eq!(cases, rows);
}

#[test]
fn the_readme_shows_the_differences() {
    assert!(include_str!("../README.md").contains(DIFFERENCES));
}
