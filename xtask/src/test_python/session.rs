//! Runs one test module in the sandbox, again and again until it is through.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::pack::TestFiles;
use crate::client::Client;

const RUNNER: &str = include_str!("runner.py");

/// Starts a line of stdout that is meant for us.
const MARK: char = '\u{1e}';

/// What came of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It passed.
    Passed,
    /// It failed, or could not run.
    Failed,
    /// It did not want to run here.
    Skipped,
}

/// A test and what came of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Test {
    /// Its name, `test_json.test_decode.TestCDecode.test_decimal`. A fixture or a whole module that
    /// failed counts as a test.
    pub name: String,
    /// What came of it.
    #[serde(rename = "outcome")]
    pub kind: Kind,
    /// The last line of the traceback, or why it was skipped.
    #[serde(default)]
    pub why: String,
    /// The traceback.
    #[serde(default)]
    pub trace: String,
}

/// What the runner tells.
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

/// What the runner needs to know.
#[derive(Serialize)]
struct Job<'a> {
    module: String,
    first: usize,
    insist: bool,
    files: &'a str,
}

/// A run's answer, and what it told before it ended.
#[derive(Default)]
struct Run {
    /// Tests that ended, by number.
    ended: BTreeMap<usize, Test>,
    /// What has no number: fixtures, and modules as a whole.
    others: Vec<Test>,
    /// The test it was at.
    at: Option<(usize, String)>,
    /// Whether it came to its end.
    finished: bool,
    /// How it ended otherwise.
    error: String,
}

/// All tests of `module`, run through `client`.
///
/// `insist` runs it even where it would skip itself as a whole.
///
/// A run that dies, at a limit or of a crash, is taken up with the test that it was at; only a test
/// that a run dies of at once is to blame.
pub fn run(client: &Client, files: &TestFiles, module: &str, insist: bool) -> Result<Vec<Test>> {
    let archive = BASE64.encode(files.pack(module)?);
    let mut tests: BTreeMap<usize, Test> = BTreeMap::new();
    let mut others: Vec<Test> = Vec::new();
    let mut first = 0;
    loop {
        let job = Job {
            module: format!("test.{module}"),
            first,
            insist,
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
    struct Answer {
        #[serde(default)]
        error: String,
        stdout: String,
    }
    // A JSON string is a Python string, too.
    let job = serde_json::to_string(&serde_json::to_string(job)?)?;
    let script = format!("{RUNNER}\n\nJOB = json.loads({job})\n");
    let text = client.execute(&script)?.body;
    let answer: Answer = serde_json::from_str(&text).with_context(|| format!("answer {text:?}"))?;
    let mut run = Run {
        error: answer.error,
        ..Run::default()
    };
    for line in answer.stdout.lines() {
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
