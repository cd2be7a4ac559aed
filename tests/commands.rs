//! The commands `run`, `check` and `healthcheck`.

mod common;

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use common::{HELLO, Server, command, command_after};

type Settings<'a> = &'a [(&'a str, &'a str)];

const LIMITS: Settings = &[
    ("CPU_LIMIT", "300ms"),
    ("STDOUT_LIMIT", "1kB"),
    ("SCRIPT_LIMIT", "2kB"),
];

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what it says is text")
}

fn run(args: &[&str], settings: Settings) -> Output {
    let mut command = command();
    command.args(args).envs(settings.iter().copied());
    command.output().expect("the program starts")
}

/// Runs with a script on standard input.
fn run_stdin(args: &[&str], settings: Settings, script: &[u8]) -> Output {
    let mut child = command()
        .args(args)
        .envs(settings.iter().copied())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // It may have seen enough before the end.
    let _ = stdin.write_all(script);
    drop(stdin);
    child.wait_with_output().expect("the program ends")
}

#[test]
fn run_prints_the_body_of_the_http_response() {
    let server = Server::start(LIMITS);
    let directory = tempfile::tempdir().expect("there is room for a file");
    let file = directory.path().join("any name.py");
    let scripts = [
        HELLO,
        "def main():\n    print('out')\n    return [1, 2.50, None, 'ä\\ud800', 10**30]\n",
        "async def main():\n    return {'a': 1}\n",
        "import sys\ndef main():\n    print('out')\n    sys.stderr.write('error')\n    return 1 / 0\n",
        "def main(:\n",
        "x = 1\n",
        "def main():\n    return {1}\n",
        "def main():\n    while True: pass\n",
        "def main():\n    print('x' * 5000)\n",
        "import os\ndef main():\n    os._exit(0)\n",
        "import sys\ndef main():\n    sys.exit(0)\n",
        "",
    ];
    for script in scripts {
        let response = server.execute(script);
        let code = if response.status == 200 { 0 } else { 1 };
        fs::write(&file, script).expect("there is room for a file");
        let from_file = run(&["run", file.to_str().expect("a path is text")], LIMITS);
        let from_stdin = run_stdin(&["run", "-"], LIMITS, script.as_bytes());
        for output in [from_file, from_stdin] {
            assert_eq!(
                said(&output.stdout),
                format!("{}\n", response.body),
                "{script}"
            );
            assert_eq!(output.status.code(), Some(code), "{script}");
            assert_eq!(said(&output.stderr), "", "{script}");
        }
    }
}

#[test]
fn run_takes_settings_before_and_after_its_name() {
    let endless = b"def main():\n    while True: pass\n";
    let cases: &[(&[&str], Settings)] = &[
        (&["--cpu-limit", "200ms", "run", "-"], &[]),
        (&["run", "--cpu-limit", "200ms", "-"], &[]),
        (&["run", "-", "--cpu-limit=200ms"], &[]),
        (&["run", "-"], &[("CPU_LIMIT", "200ms")]),
        (
            &["run", "--cpu-limit", "200ms", "-"],
            &[("CPU_LIMIT", "1h")],
        ),
        (
            &["--cpu-limit", "200ms", "run", "-"],
            &[("CPU_LIMIT", "1h")],
        ),
    ];
    for (args, settings) in cases {
        let output = run_stdin(args, settings, endless);
        let error = r#"{"error":"CPU time limit of 0.2 s exceeded","stdout":"","stderr":""}"#;
        assert_eq!(
            said(&output.stdout).trim_end(),
            error,
            "{args:?} {settings:?}"
        );
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn run_rejects_input_that_is_not_a_script() {
    let directory = tempfile::tempdir().expect("there is room for a file");
    let directory = directory.path().to_str().expect("a path is text");
    let cases: &[(&[&str], &[u8], &str)] = &[
        (&["run"], b"", "<FILE>"),
        (&["run", "-", "-"], b"", "-"),
        (&["run", "--nope", "-"], b"", "--nope"),
        (
            &["run", "/nonexistent/script.py"],
            b"",
            "/nonexistent/script.py",
        ),
        (&["run", directory], b"", directory),
        (&["run", "-"], b"x = '\xff'", "not UTF-8: see byte 5"),
        (&["run", "-"], &[b'#'; 3000], "SCRIPT_LIMIT"),
        (&["run", "-", "--cpu-limit", "soon"], b"", "CPU_LIMIT"),
        (&["walk"], b"", "walk"),
    ];
    for (args, script, expected) in cases {
        let output = run_stdin(args, LIMITS, script);
        let line = said(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {line}");
        assert_eq!(line.trim_end().lines().count(), 1, "{line}");
        assert!(line.contains(expected), "{args:?}: {line}");
        assert_eq!(said(&output.stdout), "", "{args:?}");
    }
}

/// The words of the line that begins with `first`.
fn line<'a>(report: &'a str, first: &str) -> Vec<&'a str> {
    let mut lines = report
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = lines.find(|words| words.first() == Some(&first));
    found.unwrap_or_else(|| panic!("no {first} in {report}"))
}

#[test]
fn check_lists_every_setting_with_its_source() {
    const KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
    let settings = [
        ("PORT", "81"),
        ("CPU_LIMIT", "7s"),
        ("MAX_QUEUE", "5"),
        ("API_KEYS", KEY),
    ];
    let output = run(
        &["check", "--port", "82", "--max-concurrent", "2"],
        &settings,
    );
    let report = said(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{report}");
    let cases: &[&[&str]] = &[
        &["HOST", "0.0.0.0", "default"],
        &["PORT", "82", "flag"],
        &["CPU_LIMIT", "7s", "environment"],
        &["MEMORY_LIMIT", "50MB", "default"],
        &["TEMP_ROOT", "not", "set", "default"],
        &["MAX_CONCURRENT", "2", "flag"],
        &["MAX_QUEUE", "5", "environment"],
        &["MAX_CONNECTIONS", "28", "from", "the", "machine"],
    ];
    for expected in cases {
        assert_eq!(line(&report, expected[0]), *expected);
    }
    assert_eq!(line(&report, "API_KEYS").last(), Some(&"environment"));
    assert!(!report.contains(KEY), "{report}");
    let help = said(&run(&["--help"], &[]).stdout);
    let variables = help.lines().filter_map(|line| {
        let variable = line.trim().strip_prefix("[env: ")?;
        variable.split(['=', ']']).next()
    });
    let variables: Vec<_> = variables.collect();
    assert!(variables.len() > 20, "{help}");
    for variable in variables {
        line(&report, variable);
    }
    for what in ["memory", "address", "open", "temporary", "Python", "page"] {
        let words = line(&report, what);
        assert!(words.contains(&"ok"), "{words:?}");
    }
}

#[test]
fn check_reports_settings_that_do_not_fit() {
    let with = |mut command: Command, args: &[&str]| {
        let output = command.arg("check").args(args).output();
        output.expect("the program starts")
    };
    let cases = [
        (
            with(command(), &["--max-concurrent", "1000000"]),
            "memory",
            "MAX_CONCURRENT",
        ),
        (
            with(command_after("ulimit -v 3000000"), &[]),
            "address",
            "ulimit -v",
        ),
        (
            with(command_after("ulimit -n 100"), &[]),
            "open",
            "ulimit -n",
        ),
        (
            with(command(), &["--temp-root", "/proc"]),
            "temporary",
            "TEMP_ROOT",
        ),
        (
            with(command(), &["--python", "/nonexistent"]),
            "Python",
            "cargo xtask fetch-python",
        ),
        (
            with(command(), &["--host-calls-limit", "1"]),
            "Python",
            "host call limit of 1",
        ),
    ];
    for (output, what, expected) in cases {
        let report = said(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{report}");
        let words = line(&report, what);
        assert!(words.contains(&"no"), "{words:?}");
        assert!(words.join(" ").contains(expected), "{words:?}");
        // The other checks are shown, too.
        line(&report, "page");
    }
}

#[test]
fn healthcheck_checks_the_local_service() {
    let full = [
        ("MAX_CONCURRENT", "1"),
        ("MAX_QUEUE", "0"),
        ("WALL_LIMIT", "10m"),
    ];
    let server = Server::start(&full);
    let port = server.address.port().to_string();
    let ask = |args: &[&str]| {
        let output = run(&[&["healthcheck"], args].concat(), &[("PORT", &port)]);
        let words = said(&output.stdout) + &said(&output.stderr);
        (output.status.code(), words)
    };
    assert_eq!(ask(&[]), (Some(0), "ok\n".to_owned()));
    assert_eq!(ask(&["--ready"]), (Some(0), "ready\n".to_owned()));
    assert_eq!(ask(&["--host", "127.0.0.1"]).0, Some(0));

    let _running = server.begin("import time\ndef main():\n    time.sleep(600)\n");
    assert_eq!(ask(&[]).0, Some(0));
    let (code, words) = ask(&["--ready"]);
    assert_eq!(code, Some(1));
    assert!(words.contains("503 not ready: full"), "{words}");

    drop(server);
    let (code, words) = ask(&[]);
    assert_eq!(code, Some(1));
    assert!(
        words.contains("no response") && words.contains(&port),
        "{words}"
    );
    let (code, words) = ask(&["--port", "0"]);
    assert_eq!(code, Some(1));
    assert!(words.contains("PORT is 0"), "{words}");
}
