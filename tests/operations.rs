//! Operation: readiness, shutdown, log lines and trace contexts.

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::{HELLO, Server, command, command_after, execute};
use serde_json::Value;

const LONG: &str = "import time\ndef main():\n    time.sleep(600)\n";
const PATIENT: (&str, &str) = ("WALL_LIMIT", "10m");

#[test]
fn it_is_ready_when_it_listens() {
    let server = Server::start(&[]);
    let response = server.get("/readyz");
    assert_eq!((response.status, &*response.body), (200, "ready"));
}

#[test]
fn it_does_not_listen_before_python_has_run() {
    let output = command()
        .envs([
            ("HOST", "127.0.0.1"),
            ("PORT", "0"),
            ("HOST_CALLS_LIMIT", "1"),
        ])
        .output()
        .expect("the program starts");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(
        log.contains("error: Python does not run a small script"),
        "{log}"
    );
    assert!(!log.contains("listening on"), "{log}");
}

#[test]
fn too_few_open_files_are_a_clear_line() {
    let output = command_after("ulimit -n 64")
        .envs([("HOST", "127.0.0.1"), ("PORT", "0")])
        .output()
        .expect("the shell starts");
    let line = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    for expected in ["64 files open", "ulimit -n", "MAX_CONNECTIONS"] {
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn a_second_signal_ends_the_service_at_once() {
    let mut server = Server::start(&[PATIENT, ("SHUTDOWN_GRACE", "10m")]);
    let _running = server.begin(LONG);
    server.terminate();
    server.wait_for_log("shutting down");
    server.terminate();
    server.wait_for_log("after a second signal");
    assert_eq!(server.ended().code(), Some(1));
}

#[test]
fn the_log_line_at_the_start_has_every_limit_as_a_field() {
    // This one is over before the test can read it from the log of a running service.
    let mut child = command()
        .envs([("HOST", "127.0.0.1"), ("PORT", "0"), ("LOG_FORMAT", "json")])
        .env("CPU_LIMIT", "1500ms")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stderr = child.stderr.take().expect("stderr is piped");
    let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("\"ready\""));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let entry: Value = serde_json::from_str(&line.unwrap_or_default()).expect("the line is JSON");
    assert_eq!(entry["cpu_limit_ms"], 1500.0, "{entry}");
    assert_eq!(entry["memory_limit_bytes"], 50_000_000, "{entry}");
    assert!(entry["max_concurrent"].is_u64(), "{entry}");
    let fields = entry.as_object().expect("it is an object");
    for (name, value) in fields {
        assert!(!value.to_string().contains('{'), "{name}: {value}");
    }
}

#[test]
fn a_full_service_is_alive_but_not_ready() {
    let server = Server::start(&[PATIENT, ("MAX_CONCURRENT", "1"), ("MAX_QUEUE", "0")]);
    let running = server.begin(LONG);
    let response = server.get("/readyz");
    assert_eq!(response.status, 503);
    for expected in [
        "not ready: full",
        "all 1 permits",
        "MAX_CONCURRENT, MAX_QUEUE",
    ] {
        assert!(response.body.contains(expected), "{}", response.body);
    }
    assert_eq!(server.get("/healthz").body, "ok");

    drop(running);
    assert_eq!(server.get_until(200, "/readyz").body, "ready");
}

#[test]
fn a_service_with_room_in_the_queue_is_ready() {
    let server = Server::start(&[PATIENT, ("MAX_CONCURRENT", "1"), ("MAX_QUEUE", "1")]);
    let _running = server.begin(LONG);
    assert_eq!(server.get("/readyz").status, 200);
}

#[test]
fn a_service_that_drains_is_alive_but_not_ready() {
    let server = Server::start(&[
        PATIENT,
        ("SHUTDOWN_GRACE", "10m"),
        ("ADMIN_ADDRESS", "127.0.0.1:0"),
    ]);
    let _running = server.begin(LONG);
    server.terminate();
    server.wait_for_log("shutting down");
    let response = server.get("/readyz");
    assert_eq!(
        (response.status, &*response.body),
        (503, "not ready: shutting down")
    );
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.execute(HELLO).kind(), "shutting_down");

    // The metrics are served to the end and count the runs that are left.
    let mut admin = common::Connection::to(server.admin.expect("the log has the admin address"));
    let accept = "Accept: application/openmetrics-text\r\nHost:";
    admin.send(common::get("/metrics").replacen("Host:", accept, 1));
    let metrics = common::metrics::parse(&admin.response().body);
    let running = &metrics["python_executor_runs_in_progress"];
    assert_eq!(running.value(""), Some(1.0));
}

#[test]
fn during_the_shutdown_delay_it_only_reports_that_it_is_not_ready() {
    let server = Server::start(&[("SHUTDOWN_DELAY", "10m")]);
    let mut kept = server.connect();
    kept.send(execute(HELLO));
    let response = kept.response();
    assert_eq!(
        (response.status, response.header("connection")),
        (200, None)
    );

    server.terminate();
    server.wait_for_log("not ready any more");
    assert_eq!(server.get("/readyz").body, "not ready: shutting down");
    // New connections are served as well as old ones, but none is kept.
    for mut connection in [kept, server.connect()] {
        connection.send(execute(HELLO));
        let response = connection.response();
        assert_eq!(
            (response.status, response.header("connection")),
            (200, Some("close"))
        );
        assert!(connection.is_closed());
    }
}

#[test]
fn after_the_delay_it_shuts_down() {
    let mut server = Server::start(&[
        PATIENT,
        ("SHUTDOWN_DELAY", "50ms"),
        ("SHUTDOWN_GRACE", "50ms"),
    ]);
    let mut running = server.begin(LONG);
    server.terminate();
    // In this order: each is waited for in what the one before has left of the log.
    for step in [
        "not ready any more",
        "INFO python_executor::http::server: shutting down",
        "the grace period is over",
        "stopped",
    ] {
        server.wait_for_log(step);
    }
    assert_eq!(running.response().kind(), "shutting_down");
    assert!(server.ended().success());
}

#[test]
fn a_run_is_logged_with_its_trace() {
    let server = Server::start(&[("LOG_FORMAT", "json"), PATIENT]);
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let valid = format!("traceparent: 00-{trace}-{parent}-01\r\n");
    let send = |script: &str, headers: &str| {
        let mut connection = server.connect();
        connection.send(execute(script).replacen("Host:", &format!("{headers}Host:"), 1));
        connection
    };
    let logged = || -> Value {
        let line = server.wait_for_log("queue_ms");
        serde_json::from_str(&line).expect("the line is JSON")
    };
    let in_trace = |entry: &Value| {
        let expected = [
            ("trace_id", trace),
            ("parent_span_id", parent),
            ("trace_flags", "01"),
        ];
        for (field, value) in expected {
            assert_eq!(entry[field], value, "{entry}");
        }
        entry["span_id"]
            .as_str()
            .expect("we have a span")
            .to_owned()
    };

    send(HELLO, &valid).response();
    let first = in_trace(&logged());
    send(HELLO, &valid).response();
    let second = in_trace(&logged());
    assert!(
        first != second && first != parent && first.len() == 16,
        "{first} {second}"
    );

    let cancelled = send(LONG, &valid);
    server.wait_for_log("run started");
    drop(cancelled);
    let entry = logged();
    assert_eq!(entry["kind"], "cancelled");
    in_trace(&entry);

    let invalid = [
        String::new(),
        format!("traceparent: 00-{trace}-{parent}\r\n"),
        format!("traceparent: 00-{}-{parent}-01\r\n", "0".repeat(32)),
        format!("{valid}{valid}"),
    ];
    for headers in invalid {
        assert_eq!(send(HELLO, &headers).response().status, 200);
        let entry = logged();
        for field in ["trace_id", "span_id", "parent_span_id", "trace_flags"] {
            assert_eq!(entry.get(field), None, "{headers} {entry}");
        }
    }
}

/// The line has the kind and the usage of the run, and nothing of the script or its output.
#[test]
fn the_log_line_of_a_run_has_its_usage_and_not_its_content() {
    let server = Server::start(&[("LOG_FORMAT", "json"), ("LOG", "trace")]);
    let script = "import sys\ndef main():\n    print('secret')\n    sys.stderr.write('secret')\n    raise ValueError('secret')\n";
    let request = execute(script).replacen("Host:", "X-Request-Id: mine\r\nHost:", 1);
    assert_eq!(server.raw(request).kind(), "exception");
    let lines = server.log_until("\"run\"");
    assert!(
        lines.iter().all(|line| !line.contains("secret")),
        "{lines:?}"
    );
    let entry: Value = serde_json::from_str(&lines[lines.len() - 1]).expect("the line is JSON");
    assert_eq!(
        (&entry["request_id"], &entry["kind"], &entry["status"]),
        (&"mine".into(), &"exception".into(), &400.into())
    );
    assert_eq!(entry["script_bytes"], script.len());
    assert_eq!(entry["stdout_bytes"], "secret\n".len());
    assert!(entry["stderr_bytes"].as_u64() > Some(6), "{entry}");
    assert_eq!(entry["result_bytes"], 0);
    for field in ["queue_ms", "start_ms", "wall_ms", "cpu_ms", "memory_bytes"] {
        assert!(entry[field].is_number(), "{field}: {entry}");
    }
}
