//! The metrics agree with the requests that were sent.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::metrics::{Metrics, open_metrics, parse};
use common::{Connection, HELLO, Response, Server, execute, get, post};

type Tally = BTreeMap<String, f64>;

/// Scripts, one for each kind of failure and the stream that it is about.
const FAILURES: &[(&str, &str)] = &[
    ("syntax_error", "def main(:\n"),
    ("no_main", "x = 1\n"),
    ("exception", "def main():\n    raise ValueError('no')\n"),
    ("not_serializable", "def main():\n    return {1}\n"),
    ("cpu_limit", "def main():\n    while True: pass\n"),
    (
        "wall_limit",
        "import time\ndef main():\n    time.sleep(600)\n",
    ),
    (
        "memory_limit",
        "def main():\n    return len(bytearray(100_000_000))\n",
    ),
    ("output_limit", "def main():\n    print('x' * 5000)\n"),
    (
        "output_limit",
        "import sys\ndef main():\n    sys.stderr.write('x' * 5000)\n",
    ),
    ("output_limit", "def main():\n    return 'x' * 5000\n"),
    (
        "host_call_limit",
        "import time\ndef main():\n    while True: time.time()\n",
    ),
    ("exited", "import os\ndef main():\n    os._exit(3)\n"),
    ("crashed", "import os\ndef main():\n    os.abort()\n"),
];

const LIMITS: &[(&str, &str)] = &[
    ("CPU_LIMIT", "300ms"),
    ("WALL_LIMIT", "10s"),
    ("STDOUT_LIMIT", "1kB"),
    ("STDERR_LIMIT", "2kB"),
    ("RESULT_LIMIT", "3kB"),
    ("HOST_CALLS_LIMIT", "10000"),
    ("BODY_LIMIT", "10kB"),
];

fn read(response: &Response) -> Metrics {
    assert_eq!(response.status, 200, "{response:?}");
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(response.header("content-type"), Some(content_type));
    parse(&response.body)
}

fn count(tally: &mut Tally, key: impl ToString, number: usize) {
    *tally.entry(key.to_string()).or_default() += number as f64;
}

fn value(metrics: &Metrics, name: &str, sample: &str) -> f64 {
    let metric = metrics.get(name).unwrap_or_else(|| panic!("no {name}"));
    let value = metric.value(sample);
    value.unwrap_or_else(|| panic!("{name} has no {sample}: {metric:?}"))
}

#[test]
fn every_kind_of_response_is_counted() {
    let server = Server::start(LIMITS);
    let (mut runs, mut refusals, mut codes) = (Tally::new(), Tally::new(), Tally::new());
    let (mut output, mut truncations) = (Tally::new(), Tally::new());
    let mut memory = 0;

    let fine = "import sys\ndef main():\n    print('out')\n    sys.stderr.write('error')\n    return 12345\n";
    let scripts = [("ok", HELLO), ("ok", fine)];
    for (kind, script) in scripts.iter().chain(FAILURES) {
        let response = server.execute(script);
        let line = server.wait_for_log("status=");
        let field = |name: &str| -> usize {
            let (_, after) = line.split_once(name).unwrap_or_else(|| panic!("{line}"));
            let number = after.split(' ').next().and_then(|text| text.parse().ok());
            number.unwrap_or_else(|| panic!("{line}"))
        };
        assert_eq!(
            if response.status == 200 {
                "ok"
            } else {
                response.kind()
            },
            *kind
        );
        count(&mut runs, kind, 1);
        count(&mut codes, response.status, 1);
        for stream in ["result", "stdout", "stderr"] {
            count(&mut output, stream, field(&format!("{stream}_bytes=")));
            if response.json()["error"]
                .as_str()
                .is_some_and(|error| error.starts_with(stream))
            {
                count(&mut truncations, stream, 1);
            }
        }
        memory += field("memory_bytes=");
    }
    let json = "Content-Type: application/json\r\n";
    let rejected = [
        post(json, "{}"),
        post(json, &" ".repeat(20_000)),
        post("", "{}"),
        get("/execute"),
        get("/nothing"),
    ];
    for request in rejected {
        let response = server.raw(request);
        count(&mut refusals, response.kind(), 1);
        count(&mut codes, response.status, 1);
    }
    assert_eq!(refusals.len(), 5, "{refusals:?}");

    let metrics = read(&server.raw(open_metrics()));
    assert_eq!(metrics["python_executor_runs_total"].by("kind"), runs);
    assert_eq!(
        metrics["python_executor_refusals_total"].by("kind"),
        refusals
    );
    assert_eq!(
        metrics["python_executor_http_responses_total"].by("code"),
        codes
    );
    assert_eq!(
        metrics["python_executor_output_bytes_total"].by("stream"),
        output
    );
    assert_eq!(
        metrics["python_executor_truncations_total"].by("stream"),
        truncations
    );
    assert_eq!(truncations.len(), 3);

    let all: f64 = runs.values().sum();
    let histograms: Vec<_> = metrics
        .iter()
        .filter(|(_, metric)| metric.kind == "histogram")
        .collect();
    assert_eq!(histograms.len(), 5);
    for (name, histogram) in histograms {
        assert_eq!(histogram.value("_count"), Some(all), "{name}");
    }
    let sum = |name: &str| value(&metrics, &format!("python_executor_run_{name}"), "_sum");
    assert_eq!(sum("memory_peak_bytes"), memory as f64);
    // One script ends at the limit of each, and not before.
    assert!(sum("cpu_seconds") >= 0.3 && sum("duration_seconds") >= 10.3);
    assert!(sum("start_seconds") > 0.0);
    documented(&metrics);
}

#[test]
fn the_default_format_is_that_of_prometheus() {
    let server = Server::start(&[]);
    server.execute(HELLO);
    let classic = server.get("/metrics");
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(classic.header("content-type"), Some(content_type));
    assert_eq!(classic.header("vary"), Some("accept"));
    let text = &classic.body;
    assert!(
        !text.contains("# EOF") && !text.contains("# UNIT"),
        "{text}"
    );
    let mut described = BTreeSet::new();
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        if let ["#", "TYPE", name, kind] = *words.as_slice() {
            let known = ["counter", "gauge", "histogram"].contains(&kind);
            assert!(known && described.insert(name), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else if words[0] != "#" {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix));
            let typed =
                described.contains(name) || base.is_some_and(|name| described.contains(name));
            assert!(typed, "{line}");
        }
    }
    // The samples are the same in both formats, those of this very moment excepted.
    let samples = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let names = lines.filter_map(|line| line.rsplit_once(' '));
        names.map(|(name, _)| name.to_owned()).collect()
    };
    assert_eq!(samples(text), samples(&server.raw(open_metrics()).body));
}

/// The table in the documentation has each metric, as what it is, and no others.
fn documented(metrics: &Metrics) {
    let text = include_str!("../docs/operations.md");
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.split(['`', '{']).next()?;
        let kind = cells.next()?;
        let ours = ["python_executor_", "process_"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        ours.then(|| (name.to_owned(), kind.to_owned()))
    });
    let rows: BTreeSet<_> = rows.collect();
    let exported = metrics
        .iter()
        .map(|(name, metric)| (name.clone(), metric.kind.clone()));
    assert_eq!(rows, exported.collect());
}

#[test]
fn load_and_capacity_are_shown() {
    let room = [
        ("MAX_CONCURRENT", "1"),
        ("MAX_QUEUE", "1"),
        ("MAX_CONNECTIONS", "9"),
        ("WALL_LIMIT", "10m"),
        ("QUEUE_TIMEOUT", "10m"),
    ];
    let server = Server::start(&room);
    let gauges = |names: [&str; 6]| {
        let metrics = read(&server.raw(open_metrics()));
        names.map(|name| value(&metrics, &format!("python_executor_{name}"), ""))
    };
    let names = [
        "slots",
        "places",
        "connections_limit",
        "runs_in_progress",
        "queue_length",
        "connections",
    ];
    assert_eq!(gauges(names), [1.0, 2.0, 9.0, 0.0, 0.0, 1.0]);

    let long = "import time\ndef main():\n    time.sleep(600)\n";
    let running = server.begin(long);
    assert_eq!(gauges(names)[3..5], [1.0, 0.0]);
    let mut waiting = server.connect();
    waiting.send(execute(HELLO));
    // When no slot is left, it has taken the last one.
    server.get_until(503, "/readyz");
    assert_eq!(server.execute(HELLO).kind(), "overloaded");
    assert_eq!(gauges(names)[3..5], [1.0, 1.0]);

    drop(running);
    server.wait_for_log("kind=\"cancelled\"");
    assert_eq!(waiting.response().status, 200);
    let metrics = read(&server.raw(open_metrics()));
    let kinds = metrics["python_executor_runs_total"].by("kind");
    let expected = [("cancelled".to_owned(), 1.0), ("ok".to_owned(), 1.0)];
    assert_eq!(kinds, Tally::from(expected));
    let runs = |name: &str| value(&metrics, &format!("python_executor_run_{name}"), "_count");
    assert_eq!(
        (runs("queue_seconds"), runs("duration_seconds")),
        (2.0, 1.0)
    );
    assert_eq!(gauges(names)[3..5], [0.0, 0.0]);
}

#[test]
fn the_running_version_is_shown() {
    let server = Server::start(&[]);
    let script = "import sys\ndef main():\n    return '%d.%d.%d' % sys.version_info[:3]\n";
    let response = server.execute(script).json();
    let python = response["result"].as_str().expect("a version is text");
    let version = env!("CARGO_PKG_VERSION");
    let labels = format!(r#"{{version="{version}",python_version="{python}"}}"#);
    let metrics = read(&server.raw(open_metrics()));
    assert_eq!(value(&metrics, "python_executor_build_info", &labels), 1.0);
}

/// A series that begins with its first event shows no increase, so alerts miss it.
#[test]
fn counters_of_internal_errors_exist_from_the_start() {
    let metrics = read(&Server::start(&[]).raw(open_metrics()));
    for name in ["runs", "refusals"] {
        let name = format!("python_executor_{name}_total");
        assert_eq!(value(&metrics, &name, r#"{kind="internal"}"#), 0.0);
    }
}

#[test]
fn clients_cannot_create_labels() {
    let server = Server::start(&[]);
    let requests = [
        get("/made/up"),
        get("/metrics?made=up"),
        "MADEUP /execute HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: made-up\r\n\r\n".to_owned(),
        execute("raise type('MadeUp', (Exception,), {})('made up')\n"),
    ];
    for request in requests {
        server.raw(request);
    }
    let text = server.raw(open_metrics()).body;
    parse(&text);
    for made_up in ["made", "MADE", "MadeUp"] {
        assert!(!text.contains(made_up), "{text}");
    }
}

#[test]
fn with_an_admin_address_the_main_one_has_no_metrics() {
    let server = Server::start(&[("ADMIN_ADDRESS", "127.0.0.1:0")]);
    let admin = server.admin.expect("the log has the admin address");
    let mut admin = Connection::to(admin);
    let mut ask = |request: String| {
        admin.send(request);
        admin.response()
    };
    assert_eq!(server.get("/metrics").kind(), "not_found");
    assert_eq!(server.execute(HELLO).status, 200);
    let metrics = read(&ask(open_metrics()));
    let runs = metrics["python_executor_runs_total"].by("kind");
    assert_eq!(runs, Tally::from([("ok".to_owned(), 1.0)]));

    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.get(path).status, 200);
        assert_eq!(ask(get(path)).status, 200);
    }
    assert_eq!(ask(execute(HELLO)).kind(), "not_found");
}

#[test]
fn metrics_can_be_switched_off() {
    for admin in [None, Some(("ADMIN_ADDRESS", "127.0.0.1:0"))] {
        let settings: Vec<_> = [Some(("METRICS", "false")), admin]
            .into_iter()
            .flatten()
            .collect();
        let server = Server::start(&settings);
        let mut connection = Connection::to(server.admin.unwrap_or(server.address));
        connection.send(get("/metrics"));
        assert_eq!(connection.response().kind(), "not_found");
    }
}
