//! Cross-origin requests: which origins may send scripts and read the responses.

mod common;

use common::{HELLO, Response, Server, hello, post};

const KEY: &str = "a-key-that-is-long-enough-for-this-test";
const APP: &str = "https://app.example.com";
const SETTINGS: &[(&str, &str)] = &[(
    "CORS_ORIGINS",
    "https://app.example.com, http://localhost:3000",
)];

fn preflight(path: &str, origin: &str) -> String {
    format!(
        "OPTIONS {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\
         Access-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: authorization,content-type\r\n\r\n"
    )
}

fn cors_headers(response: &Response) -> Vec<&str> {
    let names = response.headers.iter().map(|(name, _)| name.as_str());
    names
        .filter(|name| name.starts_with("access-control-") || *name == "vary")
        .collect()
}

#[test]
fn by_default_nothing_is_shared() {
    let server = Server::start(&[]);
    let rejected = server.raw(preflight("/execute", APP));
    assert_eq!(
        (rejected.status, rejected.kind()),
        (405, "method_not_allowed")
    );
    let run = server.raw(hello(&format!("Origin: {APP}\r\n")));
    assert_eq!(run.status, 200);
    for response in [rejected, run] {
        assert_eq!(cors_headers(&response), [""; 0], "{response:?}");
    }
}

#[test]
fn listed_origins_may_send_scripts_and_read_responses() {
    let keyed = [SETTINGS, &[("API_KEYS", KEY), ("RATE_LIMIT", "1/h")]].concat();
    let server = Server::start(&keyed);
    for origin in [APP, "http://localhost:3000"] {
        let allowed = server.raw(preflight("/execute", origin));
        assert_eq!((allowed.status, &*allowed.body), (204, ""));
        for (name, expected) in [
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", "GET, POST"),
            (
                "access-control-allow-headers",
                "authorization, content-type, traceparent, x-request-id",
            ),
            ("access-control-max-age", "7200"),
            ("vary", "origin"),
        ] {
            assert_eq!(allowed.header(name), Some(expected), "{name}");
        }
    }
    let origin = format!("Origin: {APP}\r\n");
    let key = format!("{origin}Authorization: Bearer {KEY}\r\n");
    let responses = [
        (200, server.raw(hello(&key))),
        (429, server.raw(hello(&key))),
        (401, server.raw(hello(&origin))),
        (405, server.raw(hello(&origin).replacen("POST", "PUT", 1))),
    ];
    for (status, response) in responses {
        assert_eq!(response.status, status);
        let exposed = "X-Error-Kind, X-Request-Id, Server-Timing, Retry-After";
        for (name, expected) in [
            ("access-control-allow-origin", APP),
            ("access-control-expose-headers", exposed),
            ("vary", "origin"),
        ] {
            assert_eq!(
                response.header(name),
                Some(expected),
                "{name}: {response:?}"
            );
        }
        assert_eq!(response.header("access-control-allow-credentials"), None);
    }
}

#[test]
fn other_origins_may_not() {
    let server = Server::start(SETTINGS);
    let others = [
        "https://app.example.com.evil.example",
        "http://app.example.com",
        "https://app.example.com:8443",
        "null",
        "*",
    ];
    for origin in others {
        let rejected = server.raw(preflight("/execute", origin));
        assert_eq!(rejected.status, 405, "{origin}");
        let origin = format!("Origin: {origin}\r\n");
        let run = server.raw(hello(&origin));
        let twice = server.raw(hello(&format!("Origin: {APP}\r\n{origin}")));
        for response in [rejected, run, twice] {
            assert_eq!(cors_headers(&response), ["vary"], "{origin}: {response:?}");
        }
    }
    let none = server.execute(HELLO);
    assert_eq!(cors_headers(&none), ["vary"]);
}

#[test]
fn only_the_interface_for_programs_is_shared() {
    let server = Server::start(SETTINGS);
    let get = |path: &str| {
        server.raw(format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: {APP}\r\n\r\n"
        ))
    };
    let shared = get("/openapi.json");
    assert_eq!(shared.header("access-control-allow-origin"), Some(APP));
    for path in ["/", "/docs", "/metrics", "/healthz", "/nothing"] {
        let response = get(path);
        assert_eq!(
            response.header("access-control-allow-origin"),
            None,
            "{path}"
        );
    }
    let plain = post("Content-Type: text/plain\r\n", "{}");
    assert_eq!(server.raw(plain).status, 415);
}
