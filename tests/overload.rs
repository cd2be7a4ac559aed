//! Overload: a full service rejects requests at once and completes those it has admitted.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use common::{Connection, HELLO, Response, Server, execute};

const LONG: &str = "import time\ndef main():\n    time.sleep(50)\n";
const PATIENT: &[(&str, &str)] = &[("WALL_LIMIT", "60s"), ("MAX_CONCURRENT", "1")];

const ONE_AND_NONE: &str = "at most 1 at once (MAX_CONCURRENT) and lets 0 wait (MAX_QUEUE)";

/// Checks that the service was too busy and names the settings.
fn full(response: &Response, because: &str) {
    assert_eq!((response.status, response.kind()), (503, "overloaded"));
    assert_eq!(response.header("retry-after"), Some("1"));
    let error = response.error();
    assert!(
        error.contains(because) && error.contains("try again"),
        "{error}"
    );
}

#[test]
fn without_a_queue_the_next_request_is_rejected_at_once() {
    let no_queue = [("MAX_QUEUE", "0"), ("QUEUE_TIMEOUT", "10m")];
    let server = Server::start(&[PATIENT, &no_queue].concat());
    let _running = server.begin(LONG);
    full(&server.execute(HELLO), ONE_AND_NONE);

    // Only running scripts is bounded; the service itself is well.
    let health = server.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(health.status, 200);
}

#[test]
fn admitted_requests_are_served_and_the_others_rejected() {
    let server = Server::start(&[("MAX_CONCURRENT", "1"), ("MAX_QUEUE", "1")]);
    let script = execute("import time\ndef main():\n    time.sleep(3)\n    return 1\n");
    let mut clients: Vec<_> = (0..5).map(|_| server.connect()).collect();
    // All are sent long before the first can be done.
    clients.iter_mut().for_each(|client| client.send(&script));
    let mut responses: Vec<_> = clients.iter_mut().map(Connection::response).collect();
    responses.sort_by_key(|response| response.status);
    let statuses: Vec<_> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [200, 200, 503, 503, 503]);
    for response in responses.iter().skip(2) {
        full(response, "lets 1 wait (MAX_QUEUE)");
    }
}

#[test]
fn waiting_in_the_queue_is_timed_out() {
    let waiting = [("MAX_QUEUE", "1"), ("QUEUE_TIMEOUT", "50ms")];
    let server = Server::start(&[PATIENT, &waiting].concat());
    let _running = server.begin(LONG);
    full(&server.execute(HELLO), "within 0.05 s (QUEUE_TIMEOUT)");
}

#[test]
fn permits_are_released_however_a_request_ends() {
    let server = Server::start(&[("MAX_CONCURRENT", "1"), ("MAX_QUEUE", "0")]);
    let endings = [
        HELLO,
        "def main():\n    raise ValueError('no')\n",
        "x = 1\n",
        "def main(:\n",
        "import os\ndef main():\n    os._exit(3)\n",
    ];
    for script in endings.iter().cycle().take(20) {
        let response = server.execute(script);
        assert_ne!(response.status, 503, "{script}");
    }
    assert_eq!(server.execute(HELLO).status, 200);
}

/// Makes 10,000 requests from 100 clients at once. Each is rejected at once or gets its own result,
/// and every run gets its response. Returns how many ran.
fn burst(settings: &[(&str, &str)], pause: f64) -> usize {
    const REQUESTS: usize = 10_000;
    const CLIENTS: usize = 100;
    let patient = [("QUEUE_TIMEOUT", "60s"), ("LOG", "info")];
    let server = Server::start(&[&patient, settings].concat());
    let (next, ran) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let client = || {
        let mut connection = server.connect();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= REQUESTS {
                return;
            }
            connection.send(execute(&format!(
                "import time\ndef main():\n    time.sleep({pause})\n    return {number}\n"
            )));
            let response = connection.response();
            if response.status == 503 {
                full(&response, "(MAX_QUEUE)");
                continue;
            }
            let own = format!(r#"{{"result":{number},"stdout":""}}"#);
            assert_eq!((response.status, response.body), (200, own));
            ran.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(client);
        }
    });
    let last = execute(HELLO).replacen("Host:", "X-Request-Id: the-last-one\r\nHost:", 1);
    assert_eq!(server.raw(last).status, 200);
    let log = server.log_until("the-last-one");
    let runs = log.iter().filter(|line| line.contains("status=200"));
    let ran = ran.into_inner();
    assert_eq!(runs.count(), ran + 1);
    ran
}

#[test]
fn a_burst_that_fits_is_served() {
    let room = [("MAX_CONCURRENT", "32"), ("MAX_QUEUE", "256")];
    assert_eq!(burst(&room, 0.0), 10_000);
}

#[test]
fn of_a_burst_that_does_not_fit_some_are_served() {
    let room = [("MAX_CONCURRENT", "2"), ("MAX_QUEUE", "30")];
    // All clients can send while the first two scripts sleep.
    let ran = burst(&room, 0.02);
    assert!((32..10_000).contains(&ran), "{ran} ran");
}

/// A connection with a response larger than the system's buffers, which the client does not read.
fn not_taking(server: &Server) -> Connection {
    let mut connection = server.connect();
    connection.send(execute("def main():\n    return 'x' * 15_000_000\n"));
    assert!(connection.responds_within(common::TIMEOUT));
    connection
}

const LARGE_RESPONSES: &[(&str, &str)] = &[
    ("MAX_CONCURRENT", "1"),
    ("MAX_QUEUE", "0"),
    ("RESULT_LIMIT", "16MB"),
    ("MEMORY_LIMIT", "200MB"),
];

#[test]
fn a_large_response_holds_its_slot_until_it_is_received() {
    let server = Server::start(&[LARGE_RESPONSES, &[("ANSWER_TIMEOUT", "10m")]].concat());
    let mut connection = not_taking(&server);
    full(&server.execute(HELLO), ONE_AND_NONE);
    assert_eq!(connection.response().status, 200);
    server.execute_until(200, HELLO);
}

#[test]
fn receiving_a_response_is_timed_out() {
    let server = Server::start(&[LARGE_RESPONSES, &[("ANSWER_TIMEOUT", "50ms")]].concat());
    let _connection = not_taking(&server);
    server.execute_until(200, HELLO);
}

const FEW_CONNECTIONS: &[(&str, &str)] = &[
    ("MAX_CONCURRENT", "2"),
    ("MAX_QUEUE", "0"),
    ("MAX_CONNECTIONS", "2"),
    ("WALL_LIMIT", "60s"),
    ("HEADER_TIMEOUT", "10m"),
];

#[test]
fn connections_with_requests_are_bounded_and_freed() {
    let server = Server::start(FEW_CONNECTIONS);
    let running = [server.begin(LONG), server.begin(LONG)];
    let mut next = server.connect();
    next.send(execute(HELLO));
    assert!(!next.responds_within(Duration::from_millis(200)));
    drop(running);
    // The runs may end a moment later than their connections.
    assert!([200, 503].contains(&next.response().status));
    server.execute_until(200, HELLO);
}

#[test]
fn the_connection_that_has_been_idle_longest_makes_room() {
    let server = Server::start(FEW_CONNECTIONS);
    // One without a request, one with half a head, one that is kept after a response.
    let silent = server.connect();
    let mut torn = server.connect();
    torn.send("POST /execute HTTP/1.1\r\nHost: loc");
    let mut kept = server.connect();
    kept.send(execute(HELLO));
    assert_eq!(kept.response().status, 200);
    let mut last = server.connect();
    last.send(execute(HELLO));
    assert_eq!(last.response().status, 200);
    for mut closed in [silent, torn] {
        assert!(closed.is_closed());
    }
    // The younger ones are still there.
    for mut connection in [kept, last] {
        connection.send(execute(HELLO));
        assert_eq!(connection.response().status, 200);
    }
}

#[test]
fn a_request_outlives_any_number_of_idle_connections() {
    let server = Server::start(FEW_CONNECTIONS);
    let mut slow = server.begin("import time\ndef main():\n    time.sleep(1)\n    return 1\n");
    for _ in 0..20 {
        server.connect().send("GET");
    }
    assert_eq!(server.execute(HELLO).status, 200);
    assert_eq!(slow.response().status, 200);
}

#[test]
fn a_connection_with_an_unread_response_is_not_idle() {
    let few = [("MAX_CONNECTIONS", "2"), ("ANSWER_TIMEOUT", "10m")];
    let server = Server::start(&[LARGE_RESPONSES, &few].concat());
    let mut slow = not_taking(&server);
    for _ in 0..5 {
        assert_eq!(server.get("/healthz").status, 200);
    }
    assert_eq!(slow.response().status, 200);
}
