//! Pending output: printed by a script, but still in Python's buffers when the run ended.

mod common;

use std::fmt::Write;

use common::{Response, Server};
use serde_json::Value;

/// Standard output and standard error of a response.
fn streams(response: &Response) -> [String; 2] {
    let body: Value = serde_json::from_str(&response.body).expect("the body is JSON");
    ["stdout", "stderr"].map(|stream| body[stream].as_str().unwrap_or_default().to_owned())
}

/// A script whose `main()` has these lines.
fn script(lines: &[&str]) -> String {
    let mut script = "import os, sys, time\n\ndef main():\n".to_owned();
    for line in lines {
        let _ = writeln!(script, "    {line}");
    }
    script
}

#[test]
fn pending_output_is_returned_however_the_run_ends() {
    let server = Server::start(&[
        ("CPU_LIMIT", "300ms"),
        ("WALL_LIMIT", "2s"),
        ("HOST_CALLS_LIMIT", "1000"),
    ]);
    let ends = [
        ("while True: pass", "cpu_limit"),
        ("time.sleep(1e6)", "wall_limit"),
        ("while True: time.monotonic()", "host_call_limit"),
        ("os.abort()", "crashed"),
        ("nest()", "crashed"),
        ("os._exit(3)", "exited"),
    ];
    for (end, kind) in ends {
        let lines = [
            "def nest(deep=iter(())):",
            "    for _ in range(100_000): deep = filter(None, deep)",
            "    next(deep)",
            "print('out')",
            "print('err', file=sys.stderr, end='')",
            end,
        ];
        let response = server.execute(&script(&lines));
        assert_eq!(response.kind(), kind, "{end}: {response:?}");
        assert_eq!(streams(&response), ["out\n", "err"], "{end}");
    }
}

#[test]
fn one_stream_may_be_full() {
    let server = Server::start(&[("STDOUT_LIMIT", "1000")]);
    let lines = ["print('err', file=sys.stderr)", "print('x' * 10_000)"];
    let response = server.execute(&script(&lines));
    assert_eq!(response.kind(), "output_limit");
    assert_eq!(streams(&response), ["x".repeat(1000), "err\n".to_owned()]);
    // Python's buffers count, too.
    let response = server.execute(&script(&["print('x' * 2000)", "os.abort()"]));
    assert_eq!(response.kind(), "crashed");
    assert_eq!(streams(&response)[0], "x".repeat(1000));
}

#[test]
fn each_byte_is_returned_once() {
    let server = Server::start(&[]);
    let numbers = |end| (0..end).fold(String::new(), |text, n| text + &format!("{n}\n"));
    let cases = [
        // More than the buffers hold.
        ("for n in range(5000): print(n)", numbers(5000)),
        ("for n in range(1500): print(n)", numbers(1500)),
        ("print('é' * 3000, end='')", "é".repeat(3000)),
        ("print('x' * 50_000, end='')", "x".repeat(50_000)),
        ("for _ in range(5000): print('', end='')", String::new()),
        ("print('a', flush=True); print('b')", "a\nb\n".to_owned()),
        ("sys.stdout.buffer.write(b'bytes')", "bytes".to_owned()),
        ("print('a'); sys.stdout = None", "a\n".to_owned()),
        ("print('a'); sys.stdout.close()", "a\n".to_owned()),
        ("print('a'); os.close(1)", "a\n".to_owned()),
        ("print('a'); sys.stdout.detach()", "a\n".to_owned()),
        // In the middle of a write.
        (
            "print('a'); sys.stdout.buffer.raw.write = lambda b: os.write(1, b) and os.abort(); sys.stdout.flush()",
            "a\n".to_owned(),
        ),
    ];
    for (printing, expected) in cases {
        let response = server.execute(&script(&[printing, "os.abort()"]));
        assert_eq!(response.kind(), "crashed", "{printing}: {response:?}");
        assert_eq!(streams(&response)[0], expected, "{printing}");
    }
}
