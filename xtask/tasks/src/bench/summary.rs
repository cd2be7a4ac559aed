//! The README's tables of figures.

use std::fmt::Write;

use super::report::{Report, rounded};
use super::rivals;

/// The scripts whose cost is given as a multiple of hello's.
const SCRIPTS: &[(&str, &str)] = &[
    (
        "hello after scripts that change much memory",
        "hello after dataclass, Enum and ABC",
    ),
    ("`json`, `re` and `datetime` used", "json, re and datetime"),
    (
        "an exception with its traceback",
        "exception with traceback",
    ),
];

/// Returns the tables in Markdown, ratios first, without figures that were not measured.
pub fn table(report: &Report) -> String {
    let mut text = format!(
        "Measured by `cargo xtask bench` at {}, on {} with {} cores and Linux {}; `python3` is {}.\n\n\
         | processor time of a request | times hello | ms |\n|---|---:|---:|\n",
        report.fact("commit"),
        report.fact("processor"),
        report.fact("cores"),
        report.fact("kernel"),
        report.fact("native"),
    );
    let mut row = |name: &str, times: f64, ms: f64| {
        // Writing into a string does not fail.
        let _ = writeln!(text, "| {name} | {} | {} |", rounded(times), rounded(ms));
    };
    let mut hellos: Vec<_> = report
        .lines(rivals::SECTION)
        .filter_map(|name| {
            let value = |column| report.value(rivals::SECTION, name, column);
            Some((value("times ours")?, value("cpu ms")?, name))
        })
        .collect();
    hellos.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (times, ms, name) in hellos {
        row(&format!("hello: {name}"), times, ms);
    }
    let cost = |line| report.value("One request", line, "cpu ms");
    for (name, line) in SCRIPTS {
        if let (Some(ms), Some(hello)) = (cost(line), cost("hello")) {
            row(name, ms / hello, ms);
        }
    }
    text.push_str("\n| the service | |\n|---|---|\n");
    let mut row = |name: &str, value: Option<f64>, unit: &str| {
        if let Some(value) = value {
            let _ = writeln!(text, "| {name} | {}{unit} |", rounded(value));
        }
    };
    let programs = report.value("Programs of pyperformance", "geometric mean", "ratio");
    row(
        "programs that compute, against `python3`",
        programs,
        " times as long",
    );
    let requests = report.value("Connections at once", "8", "requests/s");
    row(
        "hello requests a second over 8 connections, clients on the same cores",
        requests,
        "",
    );
    let sleeping = report.value("Guests asleep", "1000", "MB each");
    row(
        "private memory of a script that sleeps, 1000 at once",
        sleeping,
        " MB",
    );
    let start = report.value("Start of the service", "to the first result", "ms");
    row(
        "from the start of the process to the first result",
        start,
        " ms",
    );
    for (column, packed) in [("MB", ""), ("MB packed", ", packed")] {
        let size = |file| report.value("Size", file, column);
        let both = size("python-executor").zip(size("python.cwasm"));
        let name = format!("service binary and `python.cwasm`{packed}");
        row(&name, both.map(|(program, python)| program + python), " MB");
    }
    text
}
