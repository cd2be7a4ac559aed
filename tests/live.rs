//! Live output: responses that are events.

mod common;

use common::{Connection, HELLO, Server, execute, post};
use serde_json::{Value, json};

const LINES: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";

/// A request that runs `script` and accepts this media type.
fn request(script: &str, accept: &str) -> String {
    let headers = format!("Content-Type: application/json\r\nAccept: {accept}\r\n");
    post(&headers, &json!({ "script": script }).to_string())
}

/// Sends a request and reads the head of its response, which is a stream.
fn begin(server: &Server, request: &str) -> Connection {
    let mut connection = server.connect();
    connection.send(request);
    let head = connection.head();
    assert_eq!(head.status, 200, "{head:?}");
    connection
}

/// The events of the rest of a response in lines: each with its name.
fn events(connection: &mut Connection) -> Vec<(String, Value)> {
    let mut text = String::new();
    while let Some(chunk) = connection.chunk() {
        text += &chunk;
    }
    let events = text.lines().map(|line| {
        let event: Value = serde_json::from_str(line).expect("a line is JSON");
        let name = event["event"].as_str().expect("it has a name").to_owned();
        (name, event)
    });
    events.collect()
}

/// The whole text of a stream.
fn text_of(events: &[(String, Value)], stream: &str) -> String {
    let texts = events.iter().filter(|(name, _)| name == stream);
    texts
        .filter_map(|(_, event)| event["text"].as_str())
        .collect()
}

#[test]
fn the_events_are_the_output_and_the_ordinary_response() {
    let server = Server::start(&[]);
    let scripts = [
        HELLO,
        "def main():\n    for n in range(3000): print(n, 'é', flush=n % 7 == 0)\n    return [1, 2.50]\n",
        "import sys\ndef main():\n    print('o')\n    print('e', file=sys.stderr)\n    raise ValueError('no')\n",
        "import os\ndef main():\n    for byte in 'é\u{1f600}'.encode(): os.write(1, bytes([byte]))\n",
        "def main(:\n",
        "import os\ndef main():\n    print('o')\n    os._exit(3)\n",
    ];
    for script in scripts {
        let ordinary = server.execute(script);
        let mut connection = begin(&server, &request(script, LINES));
        let events = events(&mut connection);
        let (name, last) = events.last().expect("there is an event");
        assert_eq!(name, "response", "{script}");
        assert_eq!(last["status"], ordinary.status, "{script}");
        let body = ordinary.json();
        assert_eq!(last["body"], body, "{script}");
        assert_eq!(
            text_of(&events, "stdout"),
            body["stdout"].as_str().unwrap_or_default()
        );
        let stderr = text_of(&events, "stderr");
        assert_eq!(
            stderr,
            body["stderr"].as_str().unwrap_or_default(),
            "{script}"
        );
        // The connection can be used again.
        connection.send(execute(HELLO));
        assert_eq!(connection.response().status, 200);
    }
}

#[test]
fn server_sent_events_have_a_name_and_one_line_of_data() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection.send(request(
        "def main():\n    print('a\\nb', flush=True)\n    return 1\n",
        EVENTS,
    ));
    let head = connection.head();
    assert_eq!(head.header("content-type"), Some(EVENTS));
    assert_eq!(head.header("cache-control"), Some("no-store"));
    assert!(head.header("x-request-id").is_some() && head.header("server-timing").is_none());
    let mut text = String::new();
    while let Some(chunk) = connection.chunk() {
        text += &chunk;
    }
    assert_eq!(
        text,
        "event: stdout\ndata: {\"text\":\"a\\nb\\n\"}\n\n\
         event: response\ndata: {\"status\":200,\"body\":{\"result\":1,\"stdout\":\"a\\nb\\n\"}}\n\n"
    );
}

#[test]
fn output_arrives_while_the_script_runs_and_leaving_cancels_it() {
    let alone = [
        ("MAX_CONCURRENT", "1"),
        ("MAX_QUEUE", "0"),
        ("WALL_LIMIT", "10m"),
    ];
    let server = Server::start(&alone);
    let script = "import time\ndef main():\n    print('first', flush=True)\n    time.sleep(600)\n";
    let mut connection = begin(&server, &request(script, LINES));
    let first = connection.chunk().expect("there is an event");
    assert_eq!(first, "{\"event\":\"stdout\",\"text\":\"first\\n\"}\n");
    assert_eq!(server.execute(HELLO).kind(), "overloaded");
    drop(connection);
    server.wait_for_log("kind=\"cancelled\"");
    server.execute_until(200, HELLO);
}

#[test]
fn errors_before_the_run_are_ordinary_responses() {
    let server = Server::start(&[("MAX_CONCURRENT", "1"), ("MAX_QUEUE", "0")]);
    let headers = format!("Content-Type: application/json\r\nAccept: {EVENTS}\r\n");
    let response = server.raw(post(&headers, "{}"));
    assert_eq!((response.status, response.kind()), (400, "invalid_request"));
    assert_eq!(response.header("content-type"), Some("application/json"));
    let _running = server.begin("import time\ndef main():\n    time.sleep(60)\n");
    let response = server.raw(request(HELLO, EVENTS));
    assert_eq!((response.status, response.kind()), (503, "overloaded"));
}

#[test]
fn only_an_explicit_media_type_streams() {
    let server = Server::start(&[]);
    for accept in [
        "*/*",
        "text/*, application/*",
        "application/json, text/event-stream;q=0.5",
    ] {
        let response = server.raw(request(HELLO, accept));
        assert_eq!(
            response.body, r#"{"result":"hello","stdout":""}"#,
            "{accept}"
        );
    }
}

#[test]
fn a_client_that_does_not_read_is_disconnected() {
    let server = Server::start(&[
        ("MAX_CONCURRENT", "1"),
        ("MAX_QUEUE", "0"),
        ("ANSWER_TIMEOUT", "300ms"),
        ("STDOUT_LIMIT", "30MB"),
    ]);
    let script = "def main():\n    for _ in range(29):\n        print('x' * 999_999, flush=True)\n";
    let mut connection = server.connect();
    connection.send(request(script, LINES));
    server.wait_for_log("run started");
    server.execute_until(200, HELLO);
    drop(connection);
}

#[test]
fn a_shutdown_ends_a_stream_with_a_response() {
    let mut server = Server::start(&[
        ("SHUTDOWN_DELAY", "0s"),
        ("SHUTDOWN_GRACE", "100ms"),
        ("WALL_LIMIT", "10m"),
    ]);
    let script = "import time\ndef main():\n    print('x', flush=True)\n    time.sleep(600)\n";
    let mut connection = begin(&server, &request(script, LINES));
    assert!(connection.chunk().is_some());
    server.terminate();
    let events = events(&mut connection);
    let (_, last) = events.last().expect("there is an event");
    assert_eq!(last["status"], 503, "{last}");
    assert!(
        last["body"]["error"]
            .as_str()
            .is_some_and(|text| text.contains("shutting down"))
    );
    assert!(server.ended().success());
}
