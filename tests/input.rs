//! Data in: the fields of a request beside the script, over HTTP.

mod common;
#[path = "input/wrong.rs"]
mod wrong;

use std::fmt::Write;

use common::{HELLO, Response, Server, post};
use serde_json::{Value, json};
use wrong::WRONG;

const JSON: &str = "Content-Type: application/json\r\n";

/// Sends a request with these fields.
fn send(server: &Server, body: &Value) -> Response {
    server.raw(post(JSON, &body.to_string()))
}

/// The result of a request with these fields.
fn result(server: &Server, body: &Value) -> Value {
    let response = send(server, body);
    assert_eq!(response.status, 200, "{body}: {response:?}");
    response.json()["result"].clone()
}

/// A script whose `main()` returns this expression.
fn returning(expression: &str) -> String {
    format!("import os, sys, time, random\ndef main():\n    return {expression}\n")
}

#[test]
fn stdin_is_read() {
    let server = Server::start(&[]);
    let script = returning("os.read(0, 100).decode() + str(os.read(0, 100))");
    let body = json!({"script": script, "stdin": "one\ntwo é\0"});
    assert_eq!(result(&server, &body), "one\ntwo é\0b''");
    // Without it, it is at its end.
    let body = json!({"script": script});
    assert_eq!(result(&server, &body), "b''");
}

#[test]
fn files_are_there_before_the_script_starts() {
    let server = Server::start(&[]);
    let script = "import os\ndef main():\n    \
        return [open(path, 'rb').read().decode('latin-1') for path in ['a.txt', 'b/c/d', './e']]\n";
    let files = json!({
        "a.txt": "text é\r\n",
        "/mnt/data/b//c/d": {"base64": "AP+A"},
        "e": "",
    });
    let body = json!({"script": script, "files": files});
    assert_eq!(
        result(&server, &body),
        json!(["text Ã©\r\n", "\0ÿ\u{80}", ""])
    );
}

#[test]
fn the_same_seed_and_time_give_the_same_result() {
    let server = Server::start(&[]);
    let script = returning("[random.random(), os.urandom(8).hex(), int(time.time())]");
    let options = json!({"seed": 7, "time": "2026-01-31T10:30:00+01:00"});
    let body = json!({"script": script, "options": options});
    let first = result(&server, &body);
    assert_eq!(first[2], 1_769_851_800);
    assert_eq!(result(&server, &body), first);
    let other =
        json!({"script": script, "options": {"seed": u64::MAX, "time": "2026-01-31T09:30:00Z"}});
    assert_ne!(result(&server, &other), first);
}

#[test]
fn limits_are_lowered() {
    let server = Server::start(&[]);
    let cases = [
        (
            "cpu",
            json!("100ms"),
            "while True: pass",
            "CPU time limit of 0.1 s exceeded",
        ),
        (
            "wall",
            json!("200ms"),
            "time.sleep(60)",
            "wall-clock limit of 0.2 s exceeded",
        ),
        (
            "memory",
            json!("30MB"),
            "bytearray(40_000_000)",
            "memory limit of 30 MB exceeded",
        ),
        (
            "stdout",
            json!(100),
            "print('x' * 1000)",
            "stdout limit of 100 bytes exceeded",
        ),
        (
            "stderr",
            json!("1kB"),
            "sys.stderr.write('x' * 2000)",
            "stderr limit of 1 kB exceeded",
        ),
        (
            "result",
            json!("1KiB"),
            "return 'x' * 2000",
            "result limit of 1 KiB exceeded",
        ),
        (
            "disk",
            json!("1kB"),
            "open('x', 'wb', 0).write(bytes(2000))",
            "OSError: [Errno 28] No space left on device",
        ),
        (
            "open_files",
            json!(5),
            "return [open(str(n), 'w') for n in range(6)]",
            "OSError: [Errno 24] Too many open files",
        ),
        (
            "host_calls",
            json!(500),
            "while True: time.time()",
            "host call limit of 500 exceeded",
        ),
    ];
    for (limit, value, line, expected) in cases {
        let script = format!("import sys, time\ndef main():\n    {line}\n");
        let body = json!({"script": script, "options": {"limits": {limit: value}}});
        let response = send(&server, &body);
        let error = response.error();
        assert!(error.starts_with(expected), "{limit}: {error}");
    }
}

/// Fields that are too long to write down.
fn wrong_and_long() -> Vec<(String, &'static str)> {
    let deep = |levels| "[".repeat(levels) + &"]".repeat(levels);
    let files = |number| {
        let files = (0..number).map(|number| (number.to_string(), json!("")));
        Value::Object(files.collect())
    };
    let mut fields = vec![
        (
            format!("\"args\":{}", deep(102)),
            "field `args`: an argument has more than 100 levels of arrays and objects (RESULT_DEPTH)",
        ),
        (
            format!("\"kwargs\":{{\"a\":{}}}", deep(101)),
            "field `kwargs`: an argument has more than 100 levels",
        ),
        (
            format!("\"args\":{}", deep(1_000_000)),
            "field `args`: an argument has more than 100 levels",
        ),
    ];
    let long = [
        (json!({"x".repeat(256): ""}), "is invalid: it is too long"),
        (
            json!({"a": "x".repeat(10_001)}),
            "10001 bytes, more than the limit of 10 kB for the working directory (DISK_LIMIT)",
        ),
        (
            files(11),
            "more files and directories than the limit of 10 (ENTRIES_LIMIT)",
        ),
        (files(2001), "more than 2000 entries"),
    ];
    fields.extend(long.map(|(files, expected)| (format!("\"files\":{files}"), expected)));
    let argv = json!({"argv": vec![""; 2001]});
    fields.push((format!("\"options\":{argv}"), "more than 2000 entries"));
    fields
}

#[test]
fn every_field_is_checked_before_anything_runs() {
    let server = Server::start(&[
        ("RESULT_DEPTH", "100"),
        ("CPU_LIMIT", "1s"),
        ("DISK_LIMIT", "10kB"),
        ("ENTRIES_LIMIT", "10"),
    ]);
    let short = WRONG.iter();
    let short = short.map(|(fields, expected)| ((*fields).to_owned(), *expected));
    let mut wrong = String::new();
    for (fields, expected) in short.chain(wrong_and_long()) {
        let body = format!("{{\"script\":{},{fields}}}", json!(HELLO));
        let response = server.raw(post(JSON, &body));
        let error = response.error();
        let shown = &fields[..fields.len().min(100)];
        if (response.status, response.kind()) != (400, "invalid_request")
            || !error.contains(expected)
            || error.contains('\n')
            || error.len() > 300
            || response.header("server-timing").is_some()
        {
            let _ = writeln!(wrong, "{shown}\n  {error}\n  {expected}");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert_eq!(server.execute(HELLO).status, 200);
    let log = server.log_until("run started");
    assert_eq!(
        log.iter()
            .filter(|line| line.contains("run started"))
            .count(),
        1
    );
}

#[test]
fn scripts_have_a_limit_of_their_own() {
    let server = Server::start(&[("SCRIPT_LIMIT", "1kB")]);
    let body = json!({"script": HELLO, "stdin": "x".repeat(3000)});
    assert_eq!(result(&server, &body), "hello");
    let response = server.execute(&"#".repeat(1001));
    assert_eq!((response.status, response.kind()), (413, "too_large"));
    let expected = "the script exceeds the limit of 1 kB (SCRIPT_LIMIT): ";
    assert!(response.error().starts_with(expected), "{response:?}");
}

#[test]
fn included_fields_follow_the_others() {
    let server = Server::start(&[]);
    let script = "import sys\ndef main():\n    print('o')\n    print('e', file=sys.stderr)\n    \
        open('made', 'w').write('text')\n    open('binary', 'wb').write(b'\\xff')\n    return 1\n";
    let include = ["stderr", "usage", "files", "kind"];
    let files = json!({"input": "i"});
    let options = json!({"include": include});
    let response = send(
        &server,
        &json!({"script": script, "files": files, "options": options}),
    );
    let body = response.json();
    assert_eq!(
        (response.status, &body["result"]),
        (200, &json!(1)),
        "{body}"
    );
    assert_eq!(
        (&body["stdout"], &body["stderr"]),
        (&json!("o\n"), &json!("e\n"))
    );
    assert_eq!(body["kind"], "ok");
    assert_eq!(
        body["files"],
        json!({"binary": {"base64": "/w=="}, "made": "text"})
    );
    let usage = body["usage"].as_object().expect("it is an object");
    for name in [
        "cpu_ms",
        "wall_ms",
        "queue_ms",
        "start_ms",
        "peak_memory_bytes",
        "host_calls",
        "disk_bytes",
    ] {
        assert!(
            usage[name].as_f64().is_some_and(|value| value >= 0.0),
            "{name}: {usage:?}"
        );
    }
    assert_eq!(
        (usage.len(), &usage["disk_bytes"]),
        (7, &json!(6)),
        "{usage:?}"
    );

    // On failures, too.
    let script = script.replace("return 1", "raise ValueError('no')");
    let response = send(&server, &json!({"script": script, "options": options}));
    let body = response.json();
    assert_eq!((response.status, response.kind()), (400, "exception"));
    assert_eq!(body["kind"], "exception");
    assert_eq!(body["files"]["made"], "text");
    assert_eq!(body["usage"].as_object().map(serde_json::Map::len), Some(7));

    // A request that includes nothing has none of them.
    let response = server.execute(HELLO);
    assert_eq!(response.body, r#"{"result":"hello","stdout":""}"#);
    // Each alone.
    for name in include {
        let body = send(
            &server,
            &json!({"script": HELLO, "options": {"include": [name]}}),
        )
        .json();
        let keys: Vec<_> = body
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone())
            .collect();
        assert_eq!(keys.len(), 3, "{keys:?}");
        assert!(keys.iter().any(|key| key == name), "{keys:?}");
    }
}

#[test]
fn returned_files_can_be_sent_again() {
    let server = Server::start(&[]);
    let make = "import os\ndef main():\n    os.makedirs('a/b')\n    open('a/b/c', 'wb').write(bytes(range(256)))\n    \
        open('d', 'w').write('é\\n')\n";
    let options = json!({"include": ["files"]});
    let made = send(&server, &json!({"script": make, "options": options})).json()["files"].clone();
    let read = returning("open('a/b/c', 'rb').read() == bytes(range(256)) and open('d').read()");
    let body = json!({"script": read, "files": made, "options": options});
    let response = send(&server, &body).json();
    assert_eq!(response["result"], "é\n");
    // They have not changed.
    assert_eq!(response["files"], json!({}));
}

#[test]
fn files_without_room_are_listed() {
    let server = Server::start(&[("FILES_LIMIT", "10")]);
    let script =
        "def main():\n    open('a', 'w').write('x' * 8)\n    open('b', 'w').write('x' * 8)\n";
    let body = json!({"script": script, "options": {"include": ["files"]}});
    let files = send(&server, &body).json()["files"].clone();
    let omitted = json!({"omitted": "too_large", "bytes": 8});
    assert_eq!(files, json!({"a": "xxxxxxxx", "b": omitted}));
}
