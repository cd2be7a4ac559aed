//! Flags and environment variables of the program.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::{HELLO, Server, command, command_after};

type Settings<'a> = &'a [(&'a str, &'a str)];

fn run(args: &[&str], settings: Settings) -> Output {
    let mut command = command();
    command.args(args).envs(settings.iter().copied());
    command.output().expect("the service starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what it says is text")
}

#[test]
fn invalid_values_are_one_clear_line() {
    let cases: &[(&[&str], Settings, &str)] = &[
        (&["--cpu-limit", "5"], &[], "CPU_LIMIT"),
        (&[], &[("CPU_LIMIT", "soon")], "CPU_LIMIT"),
        (&[], &[("MEMORY_LIMIT", "1MB")], "at least 20MB"),
        (&[], &[("MEMORY_LIMIT", "5GiB")], "at most 4GiB"),
        (&[], &[("STDOUT_LIMIT", "0")], "more than zero"),
        (&[], &[("PORT", "http")], "PORT"),
        (&[], &[("LOG_FORMAT", "xml")], "text, json"),
        (&[], &[("TEMP_ROOT", "/nonexistent")], "not a directory"),
        (&[], &[("MAX_CONNECTIONS", "1")], "MAX_QUEUE"),
        (&["--prot", "1"], &[], "--port"),
    ];
    for (args, settings, expected) in cases {
        let output = run(args, settings);
        let line = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert_eq!(line.trim_end().lines().count(), 1, "{line}");
        assert!(line.contains(expected), "{args:?} {settings:?}: {line}");
    }
}

#[test]
fn an_invalid_value_names_the_variable_that_it_is_from() {
    let cases: &[(&[&str], Settings, &str)] = &[
        (
            &[],
            &[("CPU_LIMIT", "soon")],
            "invalid value 'soon' for the environment variable CPU_LIMIT: ",
        ),
        (
            &["check"],
            &[("LOG_FORMAT", "xml")],
            "the environment variable LOG_FORMAT [possible values: text, json]",
        ),
        (
            &[],
            &[("REQUIRE_AUTH", "maybe")],
            "for the environment variable REQUIRE_AUTH: must be true or false",
        ),
        (
            &[],
            &[("PYTHON_EXECUTOR_PORT", "http")],
            "for the environment variable PYTHON_EXECUTOR_PORT: ",
        ),
        (
            &["--cpu-limit", "late"],
            &[("CPU_LIMIT", "soon")],
            "invalid value 'late' for '--cpu-limit <CPU_LIMIT>': ",
        ),
        (
            &["--cpu-limit=late"],
            &[("CPU_LIMIT", "soon")],
            "for '--cpu-limit <CPU_LIMIT>': ",
        ),
        (
            &["--wall-limit", "1s"],
            &[("CPU_LIMIT", "'--cpu-limit <CPU_LIMIT>'")],
            "for the environment variable CPU_LIMIT: ",
        ),
    ];
    for (args, settings, expected) in cases {
        let output = run(args, settings);
        let line = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert_eq!(line.trim_end().lines().count(), 1, "{line}");
        assert!(line.starts_with("error: "), "{line}");
        assert!(line.contains(expected), "{args:?} {settings:?}: {line}");
    }
}

#[test]
fn a_variable_with_the_prefix_takes_precedence() {
    let settings = [
        ("HOST", "somebody-elses-machine.invalid"),
        ("PYTHON_EXECUTOR_HOST", "127.0.0.1"),
        ("LOG", "not-a-level"),
        ("PYTHON_EXECUTOR_LOG", "warn"),
        ("PYTHON_EXECUTOR_CPU_LIMIT", "7s"),
        ("WALL_LIMIT", "9s"),
        ("PYTHON_EXECUTOR_MAX_QUEUE", "3"),
    ];
    let output = run(&["check", "--max-queue", "4"], &settings);
    let report = text(&output.stdout);
    for (name, value, source) in [
        ("HOST", "127.0.0.1", "environment"),
        ("LOG", "warn", "environment"),
        ("CPU_LIMIT", "7s", "environment"),
        ("WALL_LIMIT", "9s", "environment"),
        ("MAX_QUEUE", "4", "flag"),
    ] {
        let words = report.lines().map(|line| line.split_whitespace());
        let mut lines = words.map(Iterator::collect::<Vec<_>>);
        assert!(
            lines.any(|words| words == [name, value, source]),
            "{name}: {report}{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_missing_python_names_the_command_that_makes_one() {
    let output = run(&[], &[("PYTHON", "/nonexistent/python.cwasm")]);
    let line = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    assert!(
        line.contains("/nonexistent/python.cwasm") && line.contains("cargo xtask fetch-python")
    );
}

#[test]
fn a_port_that_is_taken_is_a_clear_line() {
    let server = Server::start(&[]);
    let port = server.address.port().to_string();
    let output = run(
        &[],
        &[("HOST", "127.0.0.1"), ("PORT", &port), ("LOG", "off")],
    );
    let line = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert!(
        line.contains(&format!("cannot listen on 127.0.0.1 port {port}")),
        "{line}"
    );
}

/// The program with at most `gib` GiB of address space.
fn under(gib: u32) -> Command {
    command_after(&format!("ulimit -v {}", gib << 20))
}

#[test]
fn little_address_space_is_enough_for_few_runs() {
    let server = Server::start_as(under(6), &[]);
    let hog = "def main():\n    return len(bytearray(25_000_000))\n";
    for script in [HELLO, hog, HELLO] {
        let response = server.execute(script);
        assert_eq!(response.status, 200, "{response:?}");
    }
}

#[test]
fn too_little_address_space_is_a_clear_line() {
    let output = under(2).output().expect("the service starts");
    let line = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    assert!(line.contains("ulimit -v"), "{line}");
}

#[test]
fn help_and_version_go_to_stdout() {
    let help = run(&["--help"], &[]);
    assert!(help.status.success());
    let help = text(&help.stdout);
    for word in [
        "MEMORY_LIMIT",
        "[default: 50MB]",
        "Limits of one run",
        "QUEUE_TIMEOUT",
    ] {
        assert!(help.contains(word), "{word}");
    }
    let version = run(&["--version"], &[]);
    assert_eq!(
        text(&version.stdout),
        format!("python-executor {}\n", env!("CARGO_PKG_VERSION"))
    );
}

/// The names of the settings that `--help` lists as limits.
fn limits_in(help: &str) -> BTreeSet<&str> {
    let mut heading = "";
    let mut names = BTreeSet::new();
    for line in help.lines() {
        if !line.is_empty() && !line.starts_with(' ') {
            heading = line;
        }
        let limits = heading.starts_with("Limits") || heading.starts_with("Capacity");
        if let Some(name) = line.trim().strip_prefix("[env: ").filter(|_| limits) {
            names.extend(name.split('=').next());
        }
    }
    names
}

#[test]
fn the_security_document_lists_each_limit_and_its_default() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    let document = fs::read_to_string(document).expect("the document is there");
    let help = text(&run(&["--help"], &[]).stdout);
    let mut missing = limits_in(&help);
    assert!(missing.contains("CPU_LIMIT") && missing.contains("MAX_QUEUE"));
    for row in document.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = row
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let (name, default) = (cells[2], cells[3]);
        let Some((_, described)) = help.split_once(&format!("[env: {name}=")) else {
            assert!(["setting", ""].contains(&name), "there is no {name}");
            continue;
        };
        let (described, _) = described
            .split_once("\n      --")
            .unwrap_or((described, ""));
        match default {
            "from the machine" | "none" => assert!(!described.contains("[default:"), "{row}"),
            _ => assert!(
                described.contains(&format!("[default: {default}]")),
                "{row}"
            ),
        }
        missing.remove(name);
    }
    assert!(missing.is_empty(), "docs/security.md lacks {missing:?}");
}

#[test]
fn the_flag_takes_precedence_over_the_environment() {
    let output = run(&["--port", "flag"], &[("PORT", "environment")]);
    let line = text(&output.stderr);
    assert!(line.contains("'flag'"), "{line}");
}

#[test]
fn limits_are_named_with_the_value_they_were_set_to() {
    let server = Server::start(&[("WALL_LIMIT", "200ms"), ("LOG_FORMAT", "json")]);
    let response = server.execute("import time\ndef main():\n    time.sleep(60)\n");
    assert_eq!((response.status, response.kind()), (400, "wall_limit"));
    assert_eq!(response.error(), "wall-clock limit of 0.2 s exceeded");
    assert_eq!(server.execute(HELLO).status, 200);
}

#[test]
fn the_log_can_be_json() {
    let server = Server::start(&[("LOG_FORMAT", "json")]);
    server.execute(HELLO);
    let line = server.wait_for_log("\"run\"");
    let entry: serde_json::Value = serde_json::from_str(&line).expect("the line is JSON");
    assert_eq!(
        (&entry["kind"], &entry["status"]),
        (&"ok".into(), &200.into()),
        "{line}"
    );
}
