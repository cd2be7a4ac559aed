//! Endurance: thousands of requests of every kind, several at once, leave nothing behind.
//!
//! `cargo xtask soak` does the same for longer and reports its progress.

// The footprint of the service is read from /proc.
#![cfg(target_os = "linux")]

mod common;

use std::collections::BTreeMap;
use std::env;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::cases::{self, Failure, Success, parse, same, tokens};
use common::footprint::{Footprint, left_in, resident, settles};
use common::{Connection, Response, Server, execute, post};
use serde::Deserialize;

/// How many requests there are, unless the environment says otherwise in `SOAK_REQUESTS`.
const REQUESTS: usize = 2_000;

/// The first fifth of them fills pools and caches.
const WARM_UP: usize = 5;

/// Clients at once, each with a connection of its own that it keeps.
const CLIENTS: usize = 8;

/// Scripts at once: fewer, so that requests wait in the queue as well.
const SLOTS: usize = 4;

/// How much more memory the service may hold at the end than after the warm-up. Large buffers come
/// and go, and where they happen to lie decides what the allocator can give back.
const GROWTH: usize = 16 << 20;

/// How often the progress is reported.
const REPORT: Duration = Duration::from_secs(20);

/// `tests/soak/round.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Round {
    kind: Vec<Kind>,
}

/// A kind of request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    name: String,
    weight: usize,
    script: Option<String>,
    /// Sent in place of a script.
    body: Option<String>,
    /// JSON, of a success.
    result: Option<String>,
    /// The kind of a failure; without one it is a success.
    error: Option<String>,
    /// The client disconnects during the run.
    #[serde(default)]
    leaves: bool,
}

impl Round {
    /// The kind of the request with this number. The step, which has no divisor in common with the
    /// length of the round, keeps those of a kind apart.
    fn kind(&self, number: usize) -> &Kind {
        const STEP: usize = 619;
        let length: usize = self.kind.iter().map(|kind| kind.weight).sum();
        let mut kinds = self
            .kind
            .iter()
            .flat_map(|kind| std::iter::repeat_n(kind, kind.weight));
        kinds
            .nth(number * STEP % length)
            .expect("the round is as long as all the weights")
    }
}

impl Kind {
    /// Makes the request with this number and checks what comes of it.
    fn make(&self, number: usize, server: &Server, kept: &mut Connection) -> Result<(), String> {
        let fill = |text: &str| text.replace("{n}", &number.to_string());
        let request = match (&self.script, &self.body) {
            (Some(script), _) => execute(&fill(script)),
            (None, body) => {
                let body = fill(body.as_deref().unwrap_or_default());
                post("Content-Type: application/json\r\n", &body)
            }
        };
        if self.leaves {
            let mut leaving = server.connect();
            leaving.send(request);
            // In the queue, at the start or in the middle of the run: each has its turn.
            thread::sleep(Duration::from_millis(number as u64 % 20));
            return Ok(());
        }
        kept.send(request);
        let response = kept.response();
        let result = self.result.as_deref().map(fill);
        self.check(&response, result.as_deref())
            .map_err(|problem| format!("{} ({number}): {problem}", self.name))
    }

    fn check(&self, response: &Response, result: Option<&str>) -> Result<(), String> {
        same(
            "kind",
            &response.kind(),
            &self.error.as_deref().unwrap_or(""),
        )?;
        if self.error.is_some() {
            same("status", &response.status, &400)?;
            return parse::<Failure>(response).map(drop);
        }
        same("status", &response.status, &200)?;
        let success: Success = parse(response)?;
        match result {
            Some(result) => same("result", &tokens(success.result.get()), &tokens(result)),
            None => Ok(()),
        }
    }
}

/// A service under load.
struct Soak {
    server: Server,
    round: Round,
    scratch: tempfile::TempDir,
    before: Footprint,
    started: Instant,
    /// How many requests of each kind have been made.
    made: Mutex<BTreeMap<String, usize>>,
}

impl Soak {
    fn start() -> Self {
        let scratch = tempfile::tempdir().expect("there is room for files");
        let slots = SLOTS.to_string();
        let settings = [
            ("MAX_CONCURRENT", &*slots),
            ("CPU_LIMIT", "250ms"),
            ("ENTRIES_LIMIT", "100"),
            ("WALL_LIMIT", "60s"),
            ("QUEUE_TIMEOUT", "60s"),
            ("LOG", "info"),
        ];
        let server = Server::start_in(scratch.path(), &settings);
        Self {
            before: Footprint::of(&server),
            server,
            round: cases::read("soak", "round"),
            scratch,
            started: Instant::now(),
            made: Mutex::default(),
        }
    }

    /// Makes the requests with these numbers.
    fn load(&self, numbers: Range<usize>) {
        let (next, end) = (AtomicUsize::new(numbers.start), numbers.end);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| scope.spawn(|| self.client(&next, end)))
                .collect();
            let mut reported = Instant::now();
            while !clients.iter().all(thread::ScopedJoinHandle::is_finished) {
                thread::sleep(Duration::from_millis(20));
                if reported.elapsed() > REPORT {
                    reported = Instant::now();
                    self.report(next.load(Ordering::Relaxed).min(end));
                }
            }
        });
        self.report(end);
    }

    fn client(&self, next: &AtomicUsize, end: usize) {
        let mut made = BTreeMap::new();
        let mut kept = self.server.connect();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= end {
                break;
            }
            let kind = self.round.kind(number);
            if let Err(problem) = kind.make(number, &self.server, &mut kept) {
                // The others need not go on.
                next.store(end, Ordering::Relaxed);
                panic!("{problem}");
            }
            *made.entry(&*kind.name).or_insert(0) += 1;
        }
        let mut all = self.made.lock().expect("no thread panics with the lock");
        for (name, count) in made {
            *all.entry(name.to_owned()).or_insert(0) += count;
        }
    }

    fn report(&self, requests: usize) {
        println!(
            "{:>5} s: {requests} requests, {:.1} MB in memory, {:?}, {} left in files",
            self.started.elapsed().as_secs(),
            resident(&self.server) as f64 / 1e6,
            Footprint::of(&self.server),
            left_in(self.scratch.path()),
        );
    }

    /// Waits until no run is left; gives the memory that the service still holds.
    fn rest(&self) -> usize {
        settles(|| left_in(self.scratch.path()), |count| *count == 0);
        resident(&self.server)
    }
}

#[test]
fn nothing_grows() {
    let requests = env::var("SOAK_REQUESTS").map_or(REQUESTS, |text| {
        text.parse().expect("SOAK_REQUESTS is a number")
    });
    let soak = Soak::start();
    soak.load(0..requests / WARM_UP);
    let warm = soak.rest();
    soak.load(requests / WARM_UP..requests);
    let end = soak.rest();
    settles(
        || Footprint::of(&soak.server),
        |now| now.fits_into(&soak.before),
    );
    soak.report(requests);
    for (name, count) in &*soak.made.lock().expect("no thread panics with the lock") {
        println!("{count:>9} {name}");
    }
    assert!(
        end <= warm + GROWTH,
        "the service has grown from {warm} to {end} bytes"
    );
}
