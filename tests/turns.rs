//! Turns: threads that serve connections do no work that a script can make long, and a short run needs no other
//! thread.

// The processor time of threads is read from /proc.
#![cfg(target_os = "linux")]

mod common;

use std::collections::BTreeMap;
use std::fs;

use common::{HELLO, Server, execute, post};

/// How often each request is sent: what a thread does now and then must not decide.
const TIMES: usize = 5;

/// How often a short run may be interrupted in at least one of [`TIMES`] requests.
const ATTEMPTS: usize = 20;

/// The name of the threads that serve connections, and that of the threads of the guests.
const HTTP: &str = "http";
const GUESTS: &str = "guests";

/// Nanoseconds of processor time that the threads of a service have used, by their names.
fn processor_time(server: &Server) -> BTreeMap<String, u64> {
    let mut times = BTreeMap::new();
    let threads = fs::read_dir(format!("/proc/{}/task", server.id())).expect("it has threads");
    for thread in threads {
        let path = thread.expect("the directory can be read").path();
        // A thread may end at any time.
        let (Ok(name), Ok(times_of_one)) = (
            fs::read_to_string(path.join("comm")),
            fs::read_to_string(path.join("schedstat")),
        ) else {
            continue;
        };
        let used = times_of_one
            .split(' ')
            .next()
            .and_then(|used| used.parse().ok());
        *times.entry(name.trim().to_owned()).or_default() += used.unwrap_or(0_u64);
    }
    times
}

/// The processor time that the threads for connections and those of the guests use for `request`.
fn cost(server: &Server, request: &str) -> (u64, u64) {
    // The first one may find caches cold.
    server.raw(request);
    let before = processor_time(server);
    for _ in 0..TIMES {
        server.raw(request);
    }
    // Work after a response, such as the reset of a slot, is done when the slot can be had again.
    server.execute(HELLO);
    let after = processor_time(server);
    let used = |name: &str| {
        let of = |times: &BTreeMap<String, u64>| times.get(name).copied().unwrap_or(0);
        of(&after).saturating_sub(of(&before))
    };
    (used(HTTP), used(GUESTS))
}

#[test]
fn long_work_is_done_by_the_threads_of_the_guests() {
    let server = Server::start(&[("MAX_CONCURRENT", "1"), ("LOG", "info")]);
    let array = format!("[{}1]", "1,".repeat(499_000));
    let body = format!(r#"{{"other":{array},"script":5}}"#);
    let cases = [
        (
            "memory that is filled",
            execute("def main():\n    return len(b'x' * 36_000_000)"),
        ),
        (
            "a large file",
            execute("def main():\n    open('/tmp/a', 'wb').write(b'x' * 16_000_000)"),
        ),
        (
            "many directories",
            execute("import os\ndef main():\n    for n in range(990): os.mkdir(str(n))"),
        ),
        (
            "a large result",
            execute("def main():\n    return [0] * 2_000_000"),
        ),
        (
            "output of control characters",
            execute(
                "import os\ndef main():\n    text = b'\\1' * 8192\n    \
                 for n in range(128): os.write(1, text), os.write(2, text)\n    1 / 0",
            ),
        ),
        (
            "a run that spins",
            execute("def main():\n    for n in range(2_000_000): pass"),
        ),
        (
            "a body that takes long to read",
            post("Content-Type: application/json\r\n", &body),
        ),
    ];
    let mut wrong = Vec::new();
    for (name, request) in cases {
        let (http, guests) = cost(&server, &request);
        eprintln!("{name}: {http} ns for connections, {guests} ns for guests");
        // The kernel's copies of large requests and responses are the connections'.
        if http > 2 * guests {
            wrong.push(format!(
                "{name}: {http} ns for connections, {guests} ns for guests"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_short_run_is_done_by_the_thread_of_its_connection() {
    let server = Server::start(&[("LOG", "info")]);
    // Waiting for nothing is no reason to leave.
    let at_once =
        "import select, time\ndef main():\n    time.sleep(0)\n    select.select([], [], [], 0)";
    for script in [HELLO, at_once] {
        let request = execute(script);
        // On a busy machine the kernel can interrupt a short run for longer than its first turn lasts.
        let alone = (0..ATTEMPTS).any(|_| {
            let (http, guests) = cost(&server, &request);
            guests < http / 10
        });
        assert!(alone, "the threads of the guests have run {script}");
    }
}
