//! One test module in the sandbox, restarted after each test that ends its run.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::pack::TestFiles;
use crate::client::Client;

const RUNNER: &str = include_str!("runner.py");

/// Marks a line of stdout with an event.
const MARK: char = '\u{1e}';

/// The outcome of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It passed.
    Passed,
    /// It failed, or could not run.
    Failed,
    /// It skipped itself.
    Skipped,
}

/// A test and its outcome.
#[derive(Debug, Clone, Deserialize)]
pub struct Test {
    /// Its name, `test_json.test_decode.TestCDecode.test_decimal`. A fixture or a whole module that
    /// failed counts as a test.
    pub name: String,
    /// Its outcome.
    #[serde(rename = "outcome")]
    pub kind: Kind,
    /// The last line of the traceback, or why it was skipped.
    #[serde(default)]
    pub why: String,
    /// The traceback.
    #[serde(default)]
    pub trace: String,
}

/// An event that the runner reports.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    Start {
        number: usize,
        name: String,
    },
    End {
        number: Option<usize>,
        #[serde(flatten)]
        test: Test,
    },
    Finished,
}

/// The input of the runner.
#[derive(Serialize)]
struct Job<'a> {
    module: String,
    first: usize,
    run_anyway: bool,
    files: &'a str,
}

/// The error of a run, and the events that it reported before.
#[derive(Default)]
struct Run {
    /// Tests that ended, by number.
    ended: BTreeMap<usize, Test>,
    /// Tests without a number: fixtures, and whole modules.
    others: Vec<Test>,
    /// The test that was running last.
    at: Option<(usize, String)>,
    /// Whether it finished.
    finished: bool,
    /// The error if it did not.
    error: String,
}

/// Runs all tests of `module`; `run_anyway` does so even if it would skip itself as a whole.
///
/// A run that is ended by a limit or a crash is repeated from the test that was running. Only a test that ends
/// a run as the first one is a failure.
pub fn run(
    client: &Client,
    files: &TestFiles,
    module: &str,
    run_anyway: bool,
) -> Result<Vec<Test>> {
    let archive = BASE64.encode(files.pack(module)?);
    let mut tests: BTreeMap<usize, Test> = BTreeMap::new();
    let mut others: Vec<Test> = Vec::new();
    let mut first = 0;
    loop {
        let job = Job {
            module: format!("test.{module}"),
            first,
            run_anyway,
            files: &archive,
        };
        let run = execute(client, &job)?;
        tests.extend(run.ended);
        for test in run.others {
            if !others.iter().any(|other| other.name == test.name) {
                others.push(test);
            }
        }
        if run.finished {
            break;
        }
        let died = |name: &str| Test {
            name: name.to_owned(),
            kind: Kind::Failed,
            why: run.error.clone(),
            trace: String::new(),
        };
        match run.at {
            Some((at, _)) if at > first => first = at,
            Some((at, name)) => {
                tests.insert(at, died(&name));
                first = at + 1;
            }
            None => {
                others.push(died(&format!("test.{module}")));
                break;
            }
        }
    }
    let all = tests.into_values().chain(others);
    Ok(all.map(Test::with_short_name).collect())
}

impl Test {
    fn with_short_name(mut self) -> Self {
        if let Some(name) = self.name.strip_prefix("test.") {
            self.name = name.to_owned();
        }
        self
    }
}

fn execute(client: &Client, job: &Job) -> Result<Run> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        error: String,
        stdout: String,
    }
    // A JSON string is a Python string, too.
    let job = serde_json::to_string(&serde_json::to_string(job)?)?;
    let script = format!("{RUNNER}\n\nJOB = json.loads({job})\n");
    let text = client.execute(&script)?.body;
    let body: Body =
        serde_json::from_str(&text).with_context(|| format!("the body is {text:?}"))?;
    let mut run = Run {
        error: body.error,
        ..Run::default()
    };
    for line in body.stdout.lines() {
        let Some(event) = line.strip_prefix(MARK) else {
            continue;
        };
        // A run that was cut off leaves half a line.
        match serde_json::from_str(event) {
            Ok(Event::Start { number, name }) => run.at = Some((number, name)),
            Ok(Event::End { number, test }) => match number {
                Some(number) => {
                    run.ended.insert(number, test);
                }
                None => run.others.push(test),
            },
            Ok(Event::Finished) => run.finished = true,
            Err(_) => {}
        }
    }
    Ok(run)
}
