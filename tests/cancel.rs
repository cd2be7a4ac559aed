//! Cancellation: a run ends when its client disconnects.

mod common;

use std::time::{Duration, Instant};

use common::{HELLO, Server, TIMEOUT, execute};

const ALONE: &[(&str, &str)] = &[
    ("MAX_CONCURRENT", "1"),
    ("MAX_QUEUE", "0"),
    ("CPU_LIMIT", "10m"),
    ("WALL_LIMIT", "10m"),
];

/// Leaves while `script` runs; far sooner than any limit its slot must be free again.
fn leave_during(script: &str) {
    let server = Server::start(ALONE);
    let leaving = server.begin(script);
    assert_eq!(server.execute(HELLO).kind(), "overloaded");

    drop(leaving);
    server.wait_for_log("kind=\"cancelled\"");
    server.execute_until(200, HELLO);
}

/// From here a client that only stops sending looks like one that is gone.
#[test]
fn when_the_client_closes_its_side() {
    let server = Server::start(ALONE);
    let mut half = server.begin("import time\ndef main():\n    time.sleep(600)\n");
    assert_eq!(half.rest_after_half_close(), "");
    server.execute_until(200, HELLO);
}

#[test]
fn while_it_sleeps() {
    leave_during("import time\ndef main():\n    time.sleep(600)\n");
}

#[test]
fn while_it_computes() {
    leave_during("def main():\n    while True:\n        pass\n");
}

#[test]
fn while_it_waits_in_the_queue() {
    let endless = execute("def main():\n    while True:\n        pass\n");
    let queue = [("MAX_QUEUE", "1"), ("QUEUE_TIMEOUT", "10m")];
    let server = Server::start(&[ALONE, &queue].concat());
    let mut clients = [server.connect(), server.connect(), server.connect()];
    clients.iter_mut().for_each(|client| client.send(&endless));

    // One runs, one waits, and the third, in any order, is rejected.
    let deadline = Instant::now() + TIMEOUT;
    while !clients
        .iter()
        .any(|client| client.responds_within(Duration::from_millis(10)))
    {
        assert!(Instant::now() < deadline, "none is rejected");
    }

    // With all of them gone, the one that ran and the one that waited, there is room again.
    drop(clients);
    assert_eq!(server.execute_until(200, HELLO).status, 200);
}
