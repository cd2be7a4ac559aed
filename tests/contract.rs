//! The HTTP contract: requests and their responses.

mod common;

use common::{HELLO, Server, execute, post};
use serde_json::json;

const JSON: &str = "Content-Type: application/json\r\n";

#[test]
fn a_result_and_output() {
    let server = Server::start(&[]);
    let response = server.execute("def main():\n    print('hi')\n    return {'a': [1, None]}\n");
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(
        response.json(),
        json!({"result": {"a": [1, null]}, "stdout": "hi\n"})
    );
    assert!(
        response.body.starts_with(r#"{"result":"#),
        "{}",
        response.body
    );
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("x-error-kind"), None);
}

#[test]
fn numbers_pass_through_unchanged() {
    let server = Server::start(&[]);
    let response = server.execute("def main():\n    return 123456789012345678901234567890\n");
    assert_eq!(
        response.body,
        r#"{"result":123456789012345678901234567890,"stdout":""}"#
    );
}

#[test]
fn a_script_that_fails_is_400_with_its_kind() {
    let server = Server::start(&[]);
    let response = server.execute("def main():\n    raise ValueError('no')\n");
    assert_eq!((response.status, response.kind()), (400, "exception"));
    assert_eq!(response.error(), "ValueError: no");

    let response = server.execute("x = 1\n");
    assert_eq!((response.status, response.kind()), (400, "no_main"));
    assert_eq!(
        response.error(),
        r#"script must define a main() function, or options.mode must be "cell""#
    );
}

#[test]
fn invalid_requests_are_rejected() {
    let server = Server::start(&[]);
    let deep = format!(r#"{{"script":{}"#, "[".repeat(500_000));
    let large = "x".repeat((8 << 20) + 1);
    let long = json!({"script": "x".repeat((1 << 20) + 1)}).to_string();
    let text = "Content-Type: text/plain\r\n";
    let gzip = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");

    #[rustfmt::skip]
    let cases = [
        (post(JSON, ""), 400, "invalid_request", "line 1 column 0"),
        (post(JSON, "main()"), 400, "invalid_request", "line 1 column 1"),
        (post(JSON, "{\n \"script\": 'x'}"), 400, "invalid_request", "line 2 column 12"),
        (post(JSON, r#"{"script":"x"} {}"#), 400, "invalid_request", "trailing"),
        (post(JSON, "{}"), 400, "invalid_request", "missing field `script`"),
        (post(JSON, r#"{"script":null}"#), 400, "invalid_request", "field `script`: invalid type"),
        (post(JSON, r#"{"script":7}"#), 400, "invalid_request", "field `script`: invalid type"),
        (post(JSON, r#"{"script":"a","script":"b"}"#), 400, "invalid_request", "duplicate"),
        (post(JSON, r#"["x"]"#), 400, "invalid_request", "an object"),
        (post(JSON, "null"), 400, "invalid_request", "an object"),
        (post(JSON, r#"{"script":"\ud800"}"#), 400, "invalid_request", "line 1"),
        (post(JSON, &deep), 400, "invalid_request", "field `script`: invalid type"),
        (post(JSON, &large), 413, "too_large", "limit of 8 MiB (BODY_LIMIT)"),
        (post(JSON, &long), 413, "too_large", "limit of 1 MiB (SCRIPT_LIMIT)"),
        (post(text, "{}"), 415, "unsupported_media_type", "application/json"),
        (post(gzip, "{}"), 415, "unsupported_media_type", "application/json"),
        (post("", "{}"), 415, "unsupported_media_type", "application/json"),
        (get("/nothing"), 404, "not_found", "POST /execute"),
        (get("/execute/"), 404, "not_found", "POST /execute"),
        (get("/execute"), 405, "method_not_allowed", "Allow"),
    ];
    for (request, status, kind, expected) in cases {
        let shown = &request[..request.len().min(200)];
        let response = server.raw(&request);
        assert_eq!(
            (response.status, response.kind()),
            (status, kind),
            "{shown}"
        );
        let error = response.error();
        assert!(
            error.contains(expected) && !error.contains('\n'),
            "{shown}: {error}"
        );
        if status == 405 {
            assert_eq!(response.header("allow"), Some("POST"));
        }
    }
}

#[test]
fn a_body_that_is_not_utf8_is_rejected() {
    let server = Server::start(&[]);
    let mut request = post(JSON, r#"{"script":"?"}"#).into_bytes();
    let question = request
        .iter()
        .rposition(|byte| *byte == b'?')
        .expect("it is there");
    request[question] = 0xff;
    let response = server.raw(request);
    assert_eq!((response.status, response.kind()), (400, "invalid_request"));
    assert!(response.error().contains("byte 11"), "{response:?}");
}

#[test]
fn requests_that_are_accepted() {
    let server = Server::start(&[]);
    let body = json!({"script": HELLO, "note": [{"script": 1}]}).to_string();
    let deep = format!(
        r#"{{"x":{}{},{}"#,
        "[".repeat(200_000),
        "]".repeat(200_000),
        &body[1..]
    );
    let chunked = format!(
        "POST /execute HTTP/1.1\r\nHost: localhost\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let cases = [
        execute(HELLO),
        post(JSON, &body),
        post(JSON, &deep),
        post("content-type: Application/JSON; charset=utf-8\r\n", &body),
        chunked,
    ];
    for request in cases {
        let response = server.raw(&request);
        assert_eq!(response.body, r#"{"result":"hello","stdout":""}"#);
    }
}

#[test]
fn a_large_body_is_rejected_before_it_has_arrived() {
    let server = Server::start(&[("BODY_LIMIT", "1kB")]);
    let announced = format!(
        "POST /execute HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: 1000000000\r\n\r\n"
    );
    assert_eq!(server.raw(announced).kind(), "too_large");

    let chunk = format!("800\r\n{}\r\n", "x".repeat(0x800));
    let begun = format!(
        "POST /execute HTTP/1.1\r\nHost: localhost\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n{chunk}"
    );
    assert_eq!(server.raw(begun).kind(), "too_large");
}

#[test]
fn a_client_that_sends_its_whole_large_body_first_still_gets_the_response() {
    let server = Server::start(&[]);
    let response = server.raw(post(JSON, &"x".repeat(16 << 20)));
    assert_eq!((response.status, response.kind()), (413, "too_large"));
}

#[test]
fn a_slow_body_is_cut() {
    let server = Server::start(&[("BODY_TIMEOUT", "50ms")]);
    let mut connection = server.connect();
    let request = post(JSON, r#"{"script":"x"}"#);
    connection.send(&request[..request.len() - 1]);
    let response = connection.response();
    assert_eq!((response.status, response.kind()), (408, "invalid_request"));
    assert!(response.error().contains("within 0.05 s"));
    assert_eq!(response.header("connection"), Some("close"));
}

#[test]
fn a_slow_or_endless_head_is_cut() {
    let server = Server::start(&[("HEADER_TIMEOUT", "100ms")]);
    let mut idle = server.connect();
    assert!(idle.is_closed());

    let mut slow = server.connect();
    slow.send("POST /execute HTTP/1.1\r\nHost:");
    assert!(slow.is_closed());

    let server = Server::start(&[]);
    let mut endless = server.connect();
    let line = format!("X: {}\r\n", "x".repeat(1000));
    endless.send("GET /healthz HTTP/1.1\r\n");
    // It ends with an error response or with a broken pipe, but it ends.
    let rejected = (0..10_000).any(|_| endless.try_send(&line).is_err());
    assert!(rejected);
}

#[test]
fn every_response_has_a_request_id_and_safe_headers() {
    let server = Server::start(&[]);
    let mut made = Vec::new();
    let requests = [
        execute(HELLO),
        post(JSON, "{}"),
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
        "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
        "PUT /execute HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
    ];
    for request in &requests {
        let response = server.raw(request);
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        made.push(
            response
                .header("x-request-id")
                .expect("there is an id")
                .to_owned(),
        );
    }
    made.sort();
    made.dedup();
    assert_eq!(made.len(), requests.len(), "ids repeat");

    let long = "x".repeat(129);
    for (given, kept) in [("Trace-1.2_x", true), ("two words", false), (&long, false)] {
        let request =
            format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {given}\r\n\r\n");
        let response = server.raw(request);
        assert_eq!(
            response.header("x-request-id") == Some(given),
            kept,
            "{given}"
        );
    }
}

#[test]
fn a_run_reports_its_times_and_is_logged_without_its_output() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    let script = "def main():\n    print('secret')\n    return 'secret'\n";
    connection.send(execute(script).replacen("\r\n", "\r\nX-Request-Id: my-run\r\n", 1));
    let response = connection.response();

    let timing = response.header("server-timing").expect("runs are timed");
    let names: Vec<_> = timing
        .split(", ")
        .filter_map(|part| part.split_once(";dur="))
        .collect();
    assert_eq!(
        names.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["queue", "start", "run"]
    );
    for (_, millis) in names {
        assert!(
            millis.parse::<f64>().is_ok_and(|time| time >= 0.0),
            "{timing}"
        );
    }

    let line = server.wait_for_log("kind=");
    for part in [
        "my-run",
        "kind=\"ok\"",
        "status=200",
        "stdout_bytes=7",
        "result_bytes=8",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(!line.contains("secret"), "{line}");
}

#[test]
fn health_and_connection_reuse() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    for _ in 0..2 {
        connection.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = connection.response();
        assert_eq!((response.status, response.body.as_str()), (200, "ok"));
        connection.send(execute(HELLO));
        assert_eq!(connection.response().status, 200);
    }
    connection.send("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(connection.rest().starts_with("HTTP/1.1 200 OK\r\n"));
}
