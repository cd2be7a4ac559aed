//! What those who want little notice of those who want all.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::process::Process;
use super::report::Report;
use super::scripts::HELLO;
use crate::client::{Answer, Client};
use crate::service::Service;

/// Requests of one measurement.
const REQUESTS: usize = 1000;
/// Requests that come first and do not count.
const WARM_UP: usize = 100;
/// Guests for each core that never stop.
const SPINNERS_PER_CORE: usize = 2;
/// Milliseconds of processor time that each of them has had, or nearly, when measuring begins.
const TURNS_MS: f64 = 100.0;
/// The longest that they may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures hello and the health check, alone and then beside guests that compute without end, and how
/// many times longer they take.
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
        // It spins until the service is gone.
        thread::spawn(move || spinner.execute("def main():\n    while True: pass"));
    }
    // They share the processor, so that none has had its first turn much later than the others.
    let deadline = Instant::now() + PATIENCE;
    while process.cpu_ms()? - used < spinners as f64 * TURNS_MS {
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

/// How long requests take, in milliseconds.
struct Times {
    p50: f64,
    p99: f64,
}

impl Times {
    fn of(request: impl Fn() -> Result<Answer>) -> Result<Self> {
        let send = || -> Result<f64> {
            let started = Instant::now();
            let answer = request()?;
            ensure!(answer.status == 200, "the answer is {}", answer.status);
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
