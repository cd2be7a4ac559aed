//! Attacks: whatever a script does, the response is well-formed, the next request is served normally, and
//! nothing of the run stays in the service.

// The footprint of the service is read from /proc.
#![cfg(target_os = "linux")]

mod common;

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use common::cases::{self, Failure, Success, parse, same, tokens};
use common::footprint::{Footprint, left_in, resident, settles};
use common::{HELLO, Response, Server, execute};
use serde::Deserialize;

/// Short limits, so that exceeding them takes little time, but long enough on a slow machine for scripts that
/// do not exceed them. With one slot, every script gets the memory of the one before it.
const LIMITS: &[(&str, &str)] = &[
    ("CPU_LIMIT", "3s"),
    ("WALL_LIMIT", "10s"),
    ("MAX_CONCURRENT", "1"),
    ("LOG", "info"),
];

/// The maximum time of a response: the longest limit, and a margin for a busy machine.
const LATEST: Duration = Duration::from_secs(30);

/// How much larger than before its first request the service may stay: the kept memory of its one
/// slot, the caches of its threads, and much room.
const GROWTH: usize = 100 << 20;

/// The status of a success, where kinds of errors are listed.
const OK: &str = "ok";

/// A file of attacks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attacks {
    /// Environment variables for the service.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    attack: Vec<Attack>,
}

/// A script and its allowed outcomes. Fields that are not given are not checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    name: String,
    /// Scripts that run first, with any outcome.
    #[serde(default)]
    before: Vec<String>,
    script: String,
    /// Stands in the script as `{repeated}`, this many times.
    repeated: Option<String>,
    #[serde(default)]
    times: usize,
    /// JSON, of a success.
    result: Option<String>,
    /// Of a failure; or one of `kinds`, where it depends on the machine.
    kind: Option<String>,
    #[serde(default)]
    kinds: Vec<String>,
    error: Option<String>,
    error_starts: Option<String>,
    stdout: Option<String>,
    stdout_bytes: Option<usize>,
    stderr_bytes: Option<usize>,
    #[serde(default)]
    stderr_has: Vec<String>,
}

impl Attack {
    fn run(&self, server: &Server) -> Result<(), String> {
        for script in &self.before {
            proper(&server.execute(script))?;
        }
        let repeated = self.repeated.as_deref().unwrap_or_default();
        let script = self
            .script
            .replace("{repeated}", &repeated.repeat(self.times));
        let started = Instant::now();
        let response = server.execute(&script);
        let time = started.elapsed();
        proper(&response)?;
        self.check(&response)?;
        if time > LATEST {
            return Err(format!("the response took {time:?}"));
        }
        same(
            "the next response",
            &&*server.execute(HELLO).body,
            &r#"{"result":"hello","stdout":""}"#,
        )
    }

    fn check(&self, response: &Response) -> Result<(), String> {
        if let Some(result) = &self.result {
            let success: Success = parse(response)?;
            same("result", &tokens(success.result.get()), &tokens(result))?;
            return self.check_output(&success.stdout, "");
        }
        let kind = if response.status == 200 {
            OK
        } else {
            response.kind()
        };
        if self.kind.as_deref() != Some(kind) && !self.kinds.iter().any(|other| other == kind) {
            let short: String = response.body.chars().take(1000).collect();
            return Err(format!("it is {kind:?}: {short}"));
        }
        if kind == OK {
            let success: Success = parse(response)?;
            return self.check_output(&success.stdout, "");
        }
        let failure: Failure = parse(response)?;
        if let Some(error) = &self.error {
            same("error", &failure.error, error)?;
        }
        let start = self.error_starts.as_deref().unwrap_or_default();
        if !failure.error.starts_with(start) {
            return Err(format!("error is {:?}, not {start:?}...", failure.error));
        }
        self.check_output(&failure.stdout, &failure.stderr)
    }

    fn check_output(&self, stdout: &str, stderr: &str) -> Result<(), String> {
        if let Some(expected) = &self.stdout {
            same("stdout", &stdout, &&**expected)?;
        }
        if let Some(expected) = &self.stdout_bytes {
            same("the length of stdout", &stdout.len(), expected)?;
        }
        if let Some(expected) = &self.stderr_bytes {
            same("the length of stderr", &stderr.len(), expected)?;
        }
        for text in &self.stderr_has {
            if !stderr.contains(text) {
                return Err(format!("stderr lacks {text:?}:\n{stderr}"));
            }
        }
        Ok(())
    }
}

/// A script can fail, but the service cannot.
fn proper(response: &Response) -> Result<(), String> {
    if matches!(response.status, 200 | 400) {
        return Ok(());
    }
    Err(format!(
        "the status is {}: {}",
        response.status, response.body
    ))
}

/// A service under attack, and its resources before.
struct Victim {
    server: Server,
    before: Footprint,
    resident: usize,
    scratch: tempfile::TempDir,
}

impl Victim {
    fn start(settings: &BTreeMap<String, String>) -> Self {
        let scratch = tempfile::tempdir().expect("there is room for files");
        let own = settings.iter().map(|(name, value)| (&**name, &**value));
        let settings: Vec<_> = LIMITS.iter().copied().chain(own).collect();
        let server = Server::start_in(scratch.path(), &settings);
        Self {
            before: Footprint::of(&server),
            resident: resident(&server),
            server,
            scratch,
        }
    }

    /// Checks that nothing has stayed behind: files, descriptors, threads, memory, and no more
    /// than a line of the log for each of the `requests`.
    fn is_unharmed(&self, requests: usize) {
        settles(|| left_in(self.scratch.path()), |count| *count == 0);
        settles(
            || Footprint::of(&self.server),
            |now| now.fits_into(&self.before),
        );
        let grown = resident(&self.server).saturating_sub(self.resident);
        assert!(grown < GROWTH, "the service has grown by {grown} bytes");

        let last = execute(HELLO).replacen("Host:", "X-Request-Id: the-last-one\r\nHost:", 1);
        assert_eq!(self.server.raw(last).status, 200);
        let lines = self.server.log_until("the-last-one");
        assert!(
            lines.len() <= requests + 1,
            "the log has {} lines of {requests} requests, at first: {:#?}",
            lines.len(),
            &lines[..lines.len().min(10)]
        );
    }
}

fn check_area(area: &str) {
    let Attacks { settings, attack } = cases::read("attacks", area);
    cases::assert_unique(attack.iter().map(|attack| &*attack.name));
    let victim = Victim::start(&settings);
    let mut wrong = Vec::new();
    let mut requests = 0;
    for attack in &attack {
        let named = Named(&attack.name);
        if let Err(problem) = attack.run(&victim.server) {
            wrong.push(format!("--- {}\n{problem}", attack.name));
        }
        requests += attack.before.len() + 2;
        drop(named);
    }
    assert!(wrong.is_empty(), "{area}:\n{}", wrong.join("\n"));
    victim.is_unharmed(requests);
}

/// Names the attack if the service does not even respond.
struct Named<'a>(&'a str);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("during the attack {:?}", self.0);
        }
    }
}

/// One test for each file of attacks.
macro_rules! areas {
    ($($area:ident)*) => {
        $(#[test]
        fn $area() {
            check_area(stringify!($area));
        })*

        #[test]
        fn every_file_is_an_area() {
            cases::assert_all_run("attacks", &[$(stringify!($area)),*]);
        }
    };
}

areas! {
    results bytecode descriptors endless files forgery leftovers memory output processes recursion
    source waiting
}
