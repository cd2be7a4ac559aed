//! When the service is full it says so at once, and those inside lose nothing.

mod common;

use common::{Answer, Connection, HELLO, Server, execute};

const LONG: &str = "import time\ndef main():\n    time.sleep(50)\n";
const PATIENT: &[(&str, &str)] = &[("WALL_LIMIT", "60s"), ("MAX_CONCURRENT", "1")];

fn full(answer: &Answer) {
    assert_eq!((answer.status, answer.kind()), (503, "overloaded"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.error().contains("try again"));
}

#[test]
fn without_a_queue_the_next_one_is_refused_at_once() {
    let server = Server::start(&[PATIENT, &[("MAX_QUEUE", "0")]].concat());
    let _running = server.begin(LONG);
    full(&server.execute(HELLO));

    // Only running scripts is bounded; the service itself is well.
    let health = server.raw("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(health.status, 200);
}

#[test]
fn those_inside_are_served_and_the_others_refused() {
    let server = Server::start(&[("MAX_CONCURRENT", "1"), ("MAX_QUEUE", "1")]);
    let script = execute("import time\ndef main():\n    time.sleep(3)\n    return 1\n");
    let mut clients: Vec<_> = (0..5).map(|_| server.connect()).collect();
    // All are sent long before the first can be done.
    clients.iter_mut().for_each(|client| client.send(&script));
    let mut answers: Vec<_> = clients.iter_mut().map(Connection::answer).collect();
    answers.sort_by_key(|answer| answer.status);
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 503, 503, 503]);
    answers.iter().skip(2).for_each(full);
}

#[test]
fn waiting_has_an_end() {
    let waiting = [("MAX_QUEUE", "1"), ("QUEUE_TIMEOUT", "50ms")];
    let server = Server::start(&[PATIENT, &waiting].concat());
    let _running = server.begin(LONG);
    full(&server.execute(HELLO));
}

#[test]
fn places_are_given_back_however_a_request_ends() {
    let server = Server::start(&[("MAX_CONCURRENT", "1"), ("MAX_QUEUE", "0")]);
    let endings = [
        HELLO,
        "def main():\n    raise ValueError('no')\n",
        "x = 1\n",
        "def main(:\n",
        "import os\ndef main():\n    os._exit(3)\n",
    ];
    for script in endings.iter().cycle().take(20) {
        let answer = server.execute(script);
        assert_ne!(answer.status, 503, "{script}");
    }
    assert_eq!(server.execute(HELLO).status, 200);
}

#[test]
fn connections_are_bounded_and_freed() {
    let few = [
        ("MAX_CONCURRENT", "1"),
        ("MAX_QUEUE", "0"),
        ("MAX_CONNECTIONS", "2"),
    ];
    let server = Server::start(&few);
    let idle = [server.connect(), server.connect()];
    let mut next = server.connect();
    next.send(execute(HELLO));
    drop(idle);
    assert_eq!(next.answer().status, 200);
}
