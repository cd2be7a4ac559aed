//! The cost of a request with a short script.

use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::median;
use super::process::Process;
use super::report::Report;
use crate::client::{Client, Response};
use crate::service::Service;

/// The number of requests in a measurement.
const REQUESTS: usize = 500;
/// The number of requests before that, which are not measured.
const WARM_UP: usize = 100;

/// Prints and returns something.
pub const HELLO: &str = "def main():\n    print('hi')\n    return {'answer': 42}\n";

/// Names of scripts, the statuses of their responses, and their sources.
const SCRIPTS: &[(&str, u16, &str)] = &[
    ("hello", 200, HELLO),
    (
        "ten prints",
        200,
        "def main():\n    for n in range(10):\n        print('line', n)\n    return 1\n",
    ),
    (
        "json, re and datetime",
        200,
        "import datetime, json, re\ndef main():\n    \
         found = re.match(r'(\\w+)-(\\d+)', 'abc-123').groups()\n    \
         day = datetime.date(2024, 1, 31) + datetime.timedelta(days=1)\n    \
         return json.loads(json.dumps({'found': found, 'day': day.isoformat()}))\n",
    ),
    (
        "exception with traceback",
        400,
        "def divide(by):\n    return 1 / by\n\ndef main():\n    return divide(0)\n",
    ),
    (
        "dataclass, Enum and ABC",
        200,
        "from abc import ABC, abstractmethod\nfrom dataclasses import dataclass\n\
         from enum import Enum\n\nclass Color(Enum):\n    RED = 1\n    BLUE = 2\n\n\
         class Shape(ABC):\n    @abstractmethod\n    def area(self): ...\n\n\
         @dataclass\nclass Square(Shape):\n    side: int\n    color: Color = Color.RED\n\n    \
         def area(self):\n        return self.side ** 2\n\n\
         def main():\n    return [Square(3).area(), repr(Square(2))]\n",
    ),
];

/// Lists the modules that exist; looking for one that does not can raise an error.
const MODULES: &str = "import importlib.util, sys

def exists(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False

def main():
    return sorted(filter(exists, sys.stdlib_module_names))
";

/// Another service, to be measured in turns with this one.
#[derive(Debug, Clone)]
pub struct Rival {
    name: String,
    url: String,
    process: Process,
}

impl FromStr for Rival {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, rest) = text.split_once('=').context("write NAME=URL,PID")?;
        let (url, id) = rest.rsplit_once(',').context("write NAME=URL,PID")?;
        Ok(Self {
            name: name.into(),
            url: url.into(),
            process: Process::new(id.parse()?),
        })
    }
}

/// The cost of a request, one value per round.
#[derive(Default)]
struct Costs {
    cpu: Vec<f64>,
    faults: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Costs {
    fn add(
        &mut self,
        process: &Process,
        request: impl Fn() -> Result<Response>,
        status: u16,
        warm_up: usize,
    ) -> Result<()> {
        let send = || -> Result<f64> {
            let started = Instant::now();
            let Response {
                status: actual,
                body,
                ..
            } = request()?;
            ensure!(actual == status, "the status is {actual}: {body}");
            Ok(started.elapsed().as_secs_f64() * 1e3)
        };
        for _ in 0..warm_up {
            send()?;
        }
        let (cpu, faults) = (process.cpu_ms()?, process.page_faults()?);
        let mut times = (0..REQUESTS).map(|_| send()).collect::<Result<Vec<_>>>()?;
        self.cpu.push((process.cpu_ms()? - cpu) / REQUESTS as f64);
        self.faults
            .push((process.page_faults()? - faults) / REQUESTS as f64);
        self.p50.push(median(&mut times));
        self.p99.push(times[REQUESTS * 99 / 100]);
        Ok(())
    }

    fn values(&mut self) -> [(&'static str, f64); 4] {
        [
            ("cpu ms", median(&mut self.cpu)),
            ("page faults", median(&mut self.faults)),
            ("p50 ms", median(&mut self.p50)),
            ("p99 ms", median(&mut self.p99)),
        ]
    }
}

/// Measures the scripts, hello after each of them, and hello on each rival.
pub fn measure(report: &mut Report, rounds: usize, rivals: &[Rival]) -> Result<()> {
    let service = Service::start(&[])?;
    let own = Process::new(service.id());
    let client = Client::new(&service.url);
    let mut health = Costs::default();
    let mut ours: Vec<_> = SCRIPTS.iter().map(|_| Costs::default()).collect();
    let mut after: Vec<_> = SCRIPTS.iter().map(|_| Costs::default()).collect();
    let mut theirs: Vec<_> = rivals.iter().map(|_| Costs::default()).collect();
    for _ in 0..rounds {
        health.add(&own, || client.health(), 200, WARM_UP)?;
        for (((_, status, script), costs), after) in SCRIPTS.iter().zip(&mut ours).zip(&mut after) {
            costs.add(&own, || client.execute(script), *status, WARM_UP)?;
            // In the slot that the script has just used.
            after.add(&own, || client.execute(HELLO), 200, 0)?;
        }
        for (rival, costs) in rivals.iter().zip(&mut theirs) {
            let client = Client::new(&rival.url);
            costs.add(&rival.process, || client.execute(HELLO), 200, WARM_UP)?;
        }
    }

    let section = "One request";
    report.section(section, &["cpu ms", "page faults", "p50 ms", "p99 ms"]);
    report.line(section, "GET /healthz", &health.values());
    for ((name, ..), costs) in SCRIPTS.iter().zip(&mut ours) {
        report.line(section, name, &costs.values());
    }
    for ((name, ..), costs) in SCRIPTS.iter().zip(&mut after).skip(1) {
        report.line(section, &format!("hello after {name}"), &costs.values());
    }
    for (rival, costs) in rivals.iter().zip(&mut theirs) {
        report.line(section, &format!("hello, {}", rival.name), &costs.values());
    }
    Ok(())
}

/// Measures the cost of importing each module of the standard library over that of an empty script.
pub fn measure_imports(report: &mut Report, rounds: usize) -> Result<()> {
    let service = Service::start(&[])?;
    let process = Process::new(service.id());
    let client = Client::new(&service.url);
    let names = client.result(MODULES)?;
    let names = names.as_array().context("the names are a list")?;
    let cost = |line: &str| -> Result<Option<f64>> {
        let script = format!("{line}\ndef main(): pass\n");
        let mut times = Vec::new();
        for _ in 0..rounds {
            let before = process.cpu_ms()?;
            if client.execute(&script)?.status != 200 {
                return Ok(None);
            }
            times.push(process.cpu_ms()? - before);
        }
        Ok(Some(median(&mut times)))
    };
    let empty = cost("")?.context("an empty script fails")?;
    let mut costs = Vec::new();
    for name in names.iter().filter_map(|name| name.as_str()) {
        if let Some(cost) = cost(&format!("import {name}"))? {
            costs.push((name, cost - empty));
        }
    }
    costs.sort_by(|a, b| b.1.total_cmp(&a.1));
    let section = "Importing a module, the dearest";
    report.section(section, &["cpu ms"]);
    for (name, cost) in costs.iter().take(25) {
        report.line(section, name, &[("cpu ms", *cost)]);
    }
    let middle = costs[costs.len() / 2].1;
    report.line(section, "the median of all", &[("cpu ms", middle)]);
    Ok(())
}
