//! Authentication, rate limits, and limits of concurrent runs.

mod common;

use common::{Connection, Response, Server, command, hello, hello_from, post};
use serde_json::{Value, json};

const FIRST: &str = "first-key-0123456789abcdef0123456789";
const SECOND: &str = "second-key-0123456789abcdef012345678";
const UNKNOWN: &str = "unknown-key-0123456789abcdef01234567";

/// Runs hello with a key or token.
fn send(server: &Server, token: &str) -> Response {
    server.raw(hello_from(token))
}

fn challenge(response: &Response) -> &str {
    response.header("www-authenticate").unwrap_or_default()
}

#[test]
fn every_key_of_file_and_environment_is_enough() {
    let file = tempfile::NamedTempFile::new().expect("there is room for a file");
    let text = format!("# of the old client\n{FIRST}\n\n  {SECOND}  \n#{UNKNOWN}\n");
    std::fs::write(&file, text).expect("the file can be written");
    let path = file.path().to_str().expect("the path is text");
    let third = "third+key/0123456789abcdef0123456789==";
    let server = Server::start(&[("API_KEYS_FILE", path), ("API_KEYS", third)]);
    for key in [FIRST, SECOND, third] {
        assert_eq!(send(&server, key).status, 200, "{key}");
    }
    let wrong = [
        UNKNOWN,
        &format!("#{UNKNOWN}"),
        &FIRST[1..],
        &format!("{FIRST}0"),
    ];
    for key in wrong {
        let response = send(&server, key);
        assert_eq!(
            (response.status, response.kind()),
            (401, "unauthorized"),
            "{key}"
        );
        assert!(
            response.error().contains("not one of the keys"),
            "{response:?}"
        );
        let challenge = challenge(&response);
        assert!(
            challenge.contains(r#"error="invalid_token""#),
            "{challenge}"
        );
    }
}

#[test]
fn metrics_are_for_callers_and_those_who_reach_the_admin_address() {
    let metrics =
        |headers: &str| format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    let key = format!("Authorization: Bearer {FIRST}\r\n");
    let unknown = format!("Authorization: Bearer {UNKNOWN}\r\n");

    // The rate limit is not for monitoring.
    let server = Server::start(&[("API_KEYS", FIRST), ("RATE_LIMIT", "1/h")]);
    for _ in 0..3 {
        assert_eq!(server.raw(metrics(&key)).status, 200);
    }
    for headers in ["", &unknown] {
        let response = server.raw(metrics(headers));
        assert_eq!((response.status, response.kind()), (401, "unauthorized"));
        assert!(challenge(&response).starts_with("Bearer "), "{response:?}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }

    let server = Server::start(&[("API_KEYS", FIRST), ("ADMIN_ADDRESS", "127.0.0.1:0")]);
    assert_eq!(server.raw(metrics(&key)).status, 404);
    let admin = server.admin.expect("the log has the admin address");
    let mut admin = Connection::to(admin);
    admin.send(metrics(""));
    assert_eq!(admin.response().status, 200);

    let server = Server::start(&[("RATE_LIMIT", "1/h")]);
    for _ in 0..3 {
        assert_eq!(server.raw(metrics("")).status, 200);
    }
}

#[test]
fn the_header_must_be_there_once_and_well_formed() {
    let server = Server::start(&[("API_KEYS", FIRST)]);
    let bearer = format!("Authorization: Bearer {FIRST}\r\n");
    let plain = r#"Bearer realm="python-executor""#;
    let malformed = r#"error="invalid_request""#;
    let cases = [
        (String::new(), 401, "unauthorized", plain),
        (
            "Authorization: Basic YTpi\r\n".into(),
            401,
            "unauthorized",
            plain,
        ),
        (
            format!("Authorization: {FIRST}\r\n"),
            401,
            "unauthorized",
            plain,
        ),
        (
            "Authorization: Bearer\r\n".into(),
            400,
            "invalid_request",
            malformed,
        ),
        (bearer.repeat(2), 400, "invalid_request", malformed),
        (
            format!("Cookie: key={FIRST}\r\n"),
            401,
            "unauthorized",
            plain,
        ),
    ];
    for (headers, status, kind, words) in cases {
        let response = server.raw(hello(&headers));
        assert_eq!(
            (response.status, response.kind()),
            (status, kind),
            "{headers}"
        );
        assert!(response.error().contains("Authorization"), "{response:?}");
        let challenge = challenge(&response);
        assert!(challenge.contains(words), "{headers}: {challenge}");
        assert_eq!(
            challenge.contains("error"),
            words == malformed,
            "{challenge}"
        );
    }
    assert_eq!(server.raw(hello(&bearer)).status, 200);
}

#[test]
fn unauthenticated_requests_are_rejected_before_their_body_is_read() {
    let server = Server::start(&[("API_KEYS", FIRST)]);
    let mut connection = server.connect();
    connection.send("POST /execute HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n");
    assert_eq!(connection.response().status, 401);
}

#[test]
fn only_scripts_need_a_key() {
    let server = Server::start(&[("API_KEYS", FIRST)]);
    let cases = [
        ("GET /healthz", 200),
        ("GET /nothing", 404),
        ("GET /execute", 405),
    ];
    for (request, status) in cases {
        let response = server.raw(format!("{request} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_eq!(response.status, status, "{request}");
    }
}

#[test]
fn without_authentication_the_service_warns_or_does_not_start() {
    let warning = "anyone who can reach";
    let said = |settings: &[(&str, &str)]| {
        let server = Server::start(settings);
        assert_eq!(server.raw(hello("")).status, 200);
        server.terminate();
        server.log_until("stopped").join("\n").contains(warning)
    };
    assert!(said(&[("HOST", "0.0.0.0")]));
    assert!(!said(&[]));

    let keys = [
        ("HOST", "0.0.0.0"),
        ("API_KEYS", FIRST),
        ("REQUIRE_AUTH", "true"),
    ];
    let server = Server::start(&keys);
    assert_eq!(server.raw(hello("")).status, 401);
    server.terminate();
    assert!(!server.log_until("stopped").join("\n").contains(warning));

    // Without an interpreter it would not start either, with another error.
    let mut rejected = command();
    rejected.arg("--require-auth").env("PYTHON", "/nonexistent");
    let output = rejected.output();
    let output = output.expect("the program starts");
    let line = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert!(
        line.contains("REQUIRE_AUTH") && line.contains("API_KEYS_FILE"),
        "{line}"
    );
    assert_eq!(line.trim_end().lines().count(), 1, "{line}");
}

#[test]
fn each_caller_has_a_rate_limit_of_its_own() {
    let keys = format!("{FIRST},{SECOND}");
    let settings = [
        ("API_KEYS", &*keys),
        ("RATE_LIMIT", "2/h"),
        ("RATE_BURST", "3"),
    ];
    let server = Server::start(&settings);
    for _ in 0..3 {
        assert_eq!(send(&server, FIRST).status, 200);
    }
    let response = send(&server, FIRST);
    assert_eq!((response.status, response.kind()), (429, "rate_limited"));
    for words in ["2/h (RATE_LIMIT)", "3 at once (RATE_BURST)", "try again in"] {
        assert!(response.error().contains(words), "{response:?}");
    }
    let wait: u64 = response
        .header("retry-after")
        .and_then(|seconds| seconds.parse().ok())
        .expect("it says when to come back");
    assert!((1..=1800).contains(&wait), "{wait}");

    // Unauthenticated requests do not count for any caller.
    for _ in 0..5 {
        assert_eq!(send(&server, UNKNOWN).status, 401);
    }
    assert_eq!(send(&server, SECOND).status, 200);
    let health = server.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(health.status, 200);
}

#[test]
fn the_runs_of_one_caller_are_limited() {
    let keys = format!("{FIRST},{SECOND}");
    let settings = [
        ("API_KEYS", &*keys),
        ("MAX_CONCURRENT", "3"),
        ("MAX_CONCURRENT_PER_CALLER", "2"),
        ("WALL_LIMIT", "10m"),
    ];
    let server = Server::start(&settings);
    // The log may still have lines about other runs to be read, so each of these has an id.
    let begin = |id: &str| {
        let script = "import time\ndef main():\n    time.sleep(600)\n";
        let headers = format!(
            "Content-Type: application/json\r\nAuthorization: Bearer {FIRST}\r\nX-Request-Id: {id}\r\n"
        );
        let mut connection = server.connect();
        connection.send(post(&headers, &json!({ "script": script }).to_string()));
        server.wait_for_log(id);
        connection
    };
    let mut running = vec![begin("one."), begin("two.")];
    let response = send(&server, FIRST);
    assert_eq!((response.status, response.kind()), (429, "rate_limited"));
    assert_eq!(response.header("retry-after"), Some("1"));
    let words = "limit of 2 scripts of one caller that run or wait (MAX_CONCURRENT_PER_CALLER)";
    assert!(response.error().contains(words), "{response:?}");

    // Other callers are served, and released permits can be granted again.
    assert_eq!(send(&server, SECOND).status, 200);
    drop(running.pop());
    assert_eq!(server.raw_until(200, hello_from(FIRST)).status, 200);
    running.push(begin("three."));
    assert_eq!(send(&server, FIRST).status, 429);
}

/// Otherwise a caller could fill the queue.
#[test]
fn waiting_requests_count_as_runs_of_their_caller() {
    let settings = [
        ("MAX_CONCURRENT", "1"),
        ("MAX_QUEUE", "5"),
        ("MAX_CONCURRENT_PER_CALLER", "2"),
        ("TRUSTED_PROXIES", "1"),
        ("WALL_LIMIT", "10m"),
        ("QUEUE_TIMEOUT", "10m"),
    ];
    let server = Server::start(&settings);
    let running = server.begin("import time\ndef main():\n    time.sleep(600)\n");
    let mut waiting = [server.connect(), server.connect()];
    waiting.iter_mut().for_each(|client| client.send(hello("")));
    // One of them waits and the other is rejected. Callers are distinguished by address.
    let time = std::time::Duration::from_millis(10);
    let rejected = (0..2).cycle().find(|at| waiting[*at].responds_within(time));
    let rejected = rejected.expect("one of them is rejected");
    assert_eq!(waiting[rejected].response().kind(), "rate_limited");
    let mut other = server.connect();
    other.send(hello("X-Forwarded-For: 192.0.2.1\r\n"));
    drop(running);
    assert_eq!(waiting[1 - rejected].response().status, 200);
    assert_eq!(other.response().status, 200);
}

#[test]
fn the_log_names_the_caller() {
    let entry = |server: &Server, text: &str| -> Value {
        let line = server.wait_for_log(text);
        serde_json::from_str(&line).expect("the line is JSON")
    };
    let keys = format!("{FIRST},{SECOND}");
    let server = Server::start(&[("API_KEYS", &*keys), ("LOG_FORMAT", "json")]);
    for (key, caller) in [(FIRST, "key 1"), (SECOND, "key 2")] {
        assert_eq!(send(&server, key).status, 200);
        assert_eq!(entry(&server, "queue_ms")["caller"], caller);
    }
    // An unauthenticated request has no caller, but its log line has its id.
    let response = server.raw(hello("X-Request-Id: stranger\r\n"));
    assert_eq!(response.status, 401);
    let rejected = entry(&server, "rejected");
    assert_eq!(
        (
            &rejected["request_id"],
            &rejected["status"],
            &rejected["kind"]
        ),
        (&"stranger".into(), &401.into(), &"unauthorized".into())
    );

    for settings in [&[][..], &[("RATE_LIMIT", "1/h")]] {
        let server = Server::start(&[settings, &[("LOG_FORMAT", "json")]].concat());
        assert_eq!(server.raw(hello("")).status, 200);
        assert_eq!(entry(&server, "queue_ms").get("caller"), None);
    }
}

#[test]
fn without_authentication_each_address_is_a_caller() {
    let from = |address: &str| hello(&format!("X-Forwarded-For: {address}\r\n"));
    let server = Server::start(&[("RATE_LIMIT", "1/h")]);
    assert_eq!(server.raw(from("198.51.100.1")).status, 200);
    // The header is not trusted: it is the same peer.
    assert_eq!(server.raw(from("198.51.100.2")).status, 429);

    let server = Server::start(&[("RATE_LIMIT", "1/h"), ("TRUSTED_PROXIES", "1")]);
    assert_eq!(server.raw(from("198.51.100.1")).status, 200);
    assert_eq!(server.raw(from("198.51.100.2")).status, 200);
    assert_eq!(server.raw(from("198.51.100.3, 198.51.100.2")).status, 429);
}
