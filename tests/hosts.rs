//! The Host header: pages of other sites cannot reach a service on loopback by DNS rebinding.

mod common;

use common::{Response, Server, hello, hello_from};

const KEY: &str = "a-key-that-is-long-enough-for-this-test";

/// Sends a request with this Host header.
fn send(server: &Server, request: &str, host: &str) -> Response {
    server.raw(request.replacen("Host: localhost", &format!("Host: {host}"), 1))
}

/// Checks which hosts are accepted.
fn check(settings: &[(&str, &str)], accepted: &[&str], rejected: &[&str]) {
    let server = Server::start(settings);
    for host in accepted {
        let response = send(&server, &hello_from(KEY), host);
        assert_eq!(response.status, 200, "{settings:?} {host}: {response:?}");
    }
    for host in rejected {
        let response = send(&server, &hello_from(KEY), host);
        assert_eq!(
            (response.status, response.kind()),
            (403, "forbidden"),
            "{host}"
        );
        let error = response.error();
        assert!(error.contains("ALLOWED_HOSTS"), "{error}");
    }
}

const LOOPBACK: [&str; 6] = [
    "localhost",
    "LOCALHOST:8080",
    "127.0.0.1",
    "127.0.0.1:1",
    "[::1]:8080",
    "localhost.",
];

#[test]
fn on_loopback_without_keys_only_this_machine_is_a_host() {
    let others = [
        "evil.example",
        "localhost.evil.example:8080",
        "127.0.0.1.evil.example",
        "0.0.0.0",
        "10.0.0.1",
        "[2001:db8::1]",
    ];
    check(&[], &LOOPBACK, &others);
}

#[test]
fn hosts_can_be_listed() {
    let listed = [("ALLOWED_HOSTS", "executor.example, 10.0.0.1,[2001:db8::1]")];
    let accepted = [
        "executor.example",
        "Executor.Example:443",
        "10.0.0.1:80",
        "[2001:DB8:0::1]",
    ];
    let others = [
        "www.executor.example",
        "executor.example.evil.example",
        "10.0.0.2",
    ];
    check(&listed, &[&LOOPBACK[..], &accepted].concat(), &others);
    let elsewhere = [listed[0], ("API_KEYS", KEY)];
    check(&elsewhere, &accepted, &others);
    check(&[("ALLOWED_HOSTS", "*")], &["evil.example"], &[]);
}

#[test]
fn a_service_with_keys_accepts_every_host() {
    check(&[("API_KEYS", KEY)], &["evil.example"], &[]);
}

#[test]
fn every_page_and_method_is_protected_except_probes() {
    let server = Server::start(&[]);
    let request = |line: &str| format!("{line} HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    for line in [
        "GET /",
        "GET /docs",
        "GET /metrics",
        "GET /nothing",
        "OPTIONS /execute",
    ] {
        assert_eq!(server.raw(request(line)).status, 403, "{line}");
    }
    for line in ["GET /healthz", "GET /readyz"] {
        assert_eq!(server.raw(request(line)).status, 200, "{line}");
    }
    let forged = "GET http://evil.example/docs HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(server.raw(forged).status, 403);
    let old = "GET /healthz HTTP/1.0\r\n\r\n";
    assert_eq!(server.raw(old).status, 200);
    let admin = Server::start(&[("ADMIN_ADDRESS", "127.0.0.1:0"), ("API_KEYS", KEY)]);
    let mut admin = common::Connection::to(admin.admin.expect("it is in the log"));
    admin.send(request("GET /metrics"));
    assert_eq!(admin.response().status, 403);
}

#[test]
fn a_connection_stays_open_after_a_host_that_is_not_allowed() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection.send(hello("").replacen("Host: localhost", "Host: evil.example", 1));
    assert_eq!(connection.response().status, 403);
    connection.send(hello(""));
    assert_eq!(connection.response().status, 200);
}
