//! Malformed and ambiguous requests: each is rejected or read in the one safe way, and the connection carries
//! no second request.

mod common;

#[cfg(target_os = "linux")]
use common::footprint::peak;
use common::{HELLO, Server, execute};

/// A request with these lines in its head, and what comes after the head.
fn post(lines: &[&str], rest: &str) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!(
        "POST /execute HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{lines}\r\n{rest}"
    )
}

#[test]
fn every_request_ends_where_all_readers_agree() {
    const BODY: &str = r#"{"script":"def main(): return 1"}"#;
    const CHUNKED: &str = "Transfer-Encoding: chunked";
    let length = &format!("Content-Length: {}", BODY.len());
    let chunks = &format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len());
    let more = |text: &str| format!("{BODY}{text}");
    let cases = [
        (post(&[length], BODY), 200),
        (post(&[length], &more("GET /healthz HTTP/1.1\r\n\r\n")), 200),
        (post(&[length, length], BODY), 200),
        (post(&[CHUNKED], chunks), 200),
        // A chunked body must not have a content length.
        (post(&[CHUNKED, "Content-Length: 5"], chunks), 200),
        (post(&[length, "Content-Length: 5"], BODY), 400),
        (post(&["Content-Length: -1"], BODY), 400),
        (post(&["Content-Length: +33"], BODY), 400),
        (post(&["Content-Length: 0x21"], BODY), 400),
        (
            post(&["Content-Length: 99999999999999999999999"], BODY),
            400,
        ),
        (post(&["Transfer-Encoding: chunked, identity"], chunks), 400),
        (post(&["Transfer-Encoding: identity, chunked"], chunks), 400),
        (post(&["Transfer-Encoding: identity", CHUNKED], chunks), 400),
        (post(&[CHUNKED, CHUNKED], chunks), 400),
        (post(&["Transfer-Encoding: chunked, chunked"], chunks), 400),
        (post(&["Transfer-Encoding: gzip, chunked"], chunks), 400),
        (post(&["Transfer-Encoding: Chunked"], chunks), 200),
        (post(&[length, "Content-Type: application/json"], BODY), 400),
        (post(&[length, "Content-Type: text/plain"], BODY), 400),
        (post(&[length, "Host: localhost"], BODY), 400),
        (
            post(&[length], BODY).replacen("Host: localhost\r\n", "", 1),
            400,
        ),
        (
            post(&[length], BODY).replacen(": localhost", ": local host", 1),
            400,
        ),
        (
            post(&[length], BODY).replacen(": localhost", ": localhost:x", 1),
            400,
        ),
        (post(&[length], BODY).replacen(": localhost", ":", 1), 400),
        (
            post(&[length], BODY).replacen(" /execute ", " http://localhost/execute ", 1),
            200,
        ),
        (post(&["Content-Length : 33"], BODY), 400),
        (post(&[length, "Folded: a\r\n b"], BODY), 400),
        (post(&[length, "Torn: a\r b"], BODY), 400),
        (post(&[CHUNKED], "zz\r\nabc"), 400),
        (post(&[CHUNKED], &format!("{}\r\nabc", "f".repeat(40))), 400),
        (post(&[CHUNKED], &format!("5;{}", "x".repeat(100_000))), 400),
        (
            post(&[CHUNKED], &format!("0\r\n{}", "a: b\r\n".repeat(50_000))),
            400,
        ),
        (post(&[CHUNKED], chunks).replacen("1.1", "1.0", 1), 400),
    ];
    let server = Server::start(&[]);
    for (request, status) in cases {
        let mut connection = server.connect();
        // It may be rejected before all of it is read.
        let _ = connection.try_send(&request);
        let responses = connection.rest();
        let shown: String = request.chars().skip(90).take(100).collect();
        let expected = format!("HTTP/1.1 {status} ");
        assert!(responses.starts_with(&expected), "{shown:?}: {responses}");
        assert_eq!(responses.matches("HTTP/1.1 ").count(), 1, "{shown:?}");
        assert_eq!(server.execute(HELLO).status, 200);
    }
}

/// Not even where the client wants to keep the connection.
#[test]
fn after_an_ambiguous_request_the_connection_is_closed() {
    let server = Server::start(&[]);
    let cases: &[&[&str]] = &[
        &["Transfer-Encoding: identity, chunked"],
        &["Transfer-Encoding: chunked", "Content-Length: 5"],
        &["Content-Length: 5", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: chunked", "Host: localhost"],
        &["Transfer-Encoding: chunked", "Content-Type: text/plain"],
    ];
    for lines in cases {
        let request = post(
            lines,
            "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        );
        let mut connection = server.connect();
        connection.send(request.replacen("Connection: close\r\n", "", 1));
        let responses = connection.rest();
        assert!(
            responses.starts_with("HTTP/1.1 400 "),
            "{lines:?}: {responses}"
        );
        assert_eq!(
            responses.matches("HTTP/1.1 ").count(),
            1,
            "{lines:?}: {responses}"
        );
    }
}

#[test]
fn input_that_is_not_http_is_harmless() {
    let server = Server::start(&[]);
    for garbage in [
        "\0\0\0\0",
        "hello\r\n\r\n",
        "GET / HTTP/9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02",
    ] {
        let mut connection = server.connect();
        connection.send(garbage);
    }
    assert_eq!(server.execute(HELLO).status, 200);
}

#[test]
fn bytes_after_a_request_are_the_next_request() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection.send(execute(HELLO).repeat(100));
    for _ in 0..100 {
        assert_eq!(connection.response().status, 200);
    }
    connection.send(execute(HELLO) + "garbage\r\n\r\n");
    assert_eq!(connection.response().status, 200);
    assert!(connection.rest().starts_with("HTTP/1.1 400 "));
}

/// A body in tiny chunks takes as much memory as one in a single piece.
#[cfg(target_os = "linux")]
#[test]
fn a_body_of_tiny_chunks_takes_no_more_memory_than_another() {
    let server = Server::start(&[]);
    assert_eq!(server.execute(HELLO).status, 200);
    let before = peak(&server);

    let padding = "x".repeat(1_000_000);
    let body = serde_json::json!({ "padding": padding, "script": HELLO }).to_string();
    let chunks: String = body.chars().map(|one| format!("1\r\n{one}\r\n")).collect();
    let request = post(&["Transfer-Encoding: chunked"], &(chunks + "0\r\n\r\n"));
    assert_eq!(server.raw(request).status, 200);
    let grown = peak(&server) - before;
    assert!(grown < 10 << 20, "the service has grown by {grown} bytes");
}
