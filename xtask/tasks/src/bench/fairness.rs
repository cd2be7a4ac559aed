//! Fairness: the latency of short requests beside guests that compute without end.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::process::Process;
use super::report::Report;
use super::scripts::HELLO;
use crate::client::{Client, Response};
use crate::service::Service;

/// The number of requests in a measurement.
const REQUESTS: usize = 1000;
/// The number of requests before that, which are not measured.
const WARM_UP: usize = 100;
/// The number of spinning guests per core.
const SPINNERS_PER_CORE: usize = 2;
/// Milliseconds of processor time that each of them has used, on average, when measuring begins.
const SPIN_MS: f64 = 100.0;
/// The time within which they must have used it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Measures hello and the health check, alone and beside the spinning guests, and the ratio of the two.
pub fn measure(report: &mut Report) -> Result<()> {
    let service = Service::start(&[("CPU_LIMIT", "1h"), ("WALL_LIMIT", "1h")])?;
    let process = Process::new(service.id());
    let client = Client::new(&service.url);
    let both = || -> Result<[Times; 2]> {
        Ok([
            Times::of(|| client.execute(HELLO))?,
            Times::of(|| client.health())?,
        ])
    };
    let alone = both()?;

    let used = process.cpu_ms()?;
    let spinners = SPINNERS_PER_CORE * thread::available_parallelism()?.get();
    for _ in 0..spinners {
        let spinner = Client::new(&service.url);
        // Spins until the service is killed.
        thread::spawn(move || spinner.execute("def main():\n    while True: pass"));
    }
    // They share the processor, so none starts much later than the others.
    let deadline = Instant::now() + TIMEOUT;
    while process.cpu_ms()? - used < spinners as f64 * SPIN_MS {
        ensure!(Instant::now() < deadline, "the guests do not spin");
        thread::sleep(Duration::from_millis(100));
    }
    let beside = both()?;

    let section = "Fairness";
    report.section(section, &["p50 ms", "p99 ms"]);
    for (name, alone, beside) in [
        ("hello", &alone[0], &beside[0]),
        ("GET /healthz", &alone[1], &beside[1]),
    ] {
        report.line(section, &format!("{name}, alone"), &alone.values());
        let beside_them = format!("{name}, {spinners} guests spinning");
        report.line(section, &beside_them, &beside.values());
        let times = [
            ("p50 ms", beside.p50 / alone.p50),
            ("p99 ms", beside.p99 / alone.p99),
        ];
        report.line(section, &format!("{name}, times longer"), &times);
    }
    Ok(())
}

/// Latencies in milliseconds.
struct Times {
    p50: f64,
    p99: f64,
}

impl Times {
    fn of(request: impl Fn() -> Result<Response>) -> Result<Self> {
        let send = || -> Result<f64> {
            let started = Instant::now();
            let status = request()?.status;
            ensure!(status == 200, "the status is {status}");
            Ok(started.elapsed().as_secs_f64() * 1e3)
        };
        for _ in 0..WARM_UP {
            send()?;
        }
        let mut times = (0..REQUESTS).map(|_| send()).collect::<Result<Vec<_>>>()?;
        times.sort_by(f64::total_cmp);
        Ok(Self {
            p50: times[REQUESTS / 2],
            p99: times[REQUESTS * 99 / 100],
        })
    }

    fn values(&self) -> [(&'static str, f64); 2] {
        [("p50 ms", self.p50), ("p99 ms", self.p99)]
    }
}
