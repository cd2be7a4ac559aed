//! Runs the tests that come with CPython inside the sandbox, and writes down what came of them.
//!
//! The tests go the way of every script: each module is sent to a service of our own, with limits
//! that are high enough for tests, together with the files it needs.

mod expectations;
mod pack;
mod report;
mod session;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};

use self::expectations::Expectations;
use self::pack::TestFiles;
use self::report::{Module, Report};
use crate::client::Client;
use crate::service::{self, Service};
use crate::{fetch_python, project};

/// Limits under which the sandbox is no obstacle to a test that would pass elsewhere.
const SETTINGS: &[(&str, &str)] = &[
    ("MEMORY_LIMIT", "1GB"),
    ("CPU_LIMIT", "60s"),
    ("WALL_LIMIT", "180s"),
    ("BODY_LIMIT", "64MiB"),
    ("STDOUT_LIMIT", "64MiB"),
    ("STDERR_LIMIT", "64MiB"),
    ("DISK_LIMIT", "1GiB"),
    ("ENTRIES_LIMIT", "2000"),
    ("OPEN_FILES_LIMIT", "256"),
    ("HOST_CALLS_LIMIT", "1000000000"),
    ("MAX_CONCURRENT", "4"),
];

/// What can be said on the command line.
#[derive(clap::Args)]
pub struct Options {
    /// Modules to run, as `test_json`; without one, all are run and docs/python-tests.md is written.
    modules: Vec<String>,
    /// How many modules run at once [default: one on each core].
    #[arg(long)]
    jobs: Option<usize>,
}

/// Runs the tests, prints what failed and, when all were run, writes docs/python-tests.md.
pub fn run(options: &Options) -> Result<()> {
    service::build()?;
    let service = Service::start(SETTINGS)?;
    let cpython = fetch_python::cpython()?;
    let files = TestFiles::read(&cpython)?;
    let expectations = Expectations::read()?;
    let all: Vec<&str> = files.modules().collect();
    let named = expectations.left_out.values().flatten();
    for name in named.chain(&expectations.insist).chain(&options.modules) {
        ensure!(all.contains(&&**name), "CPython's tests have no {name}");
    }
    let chosen: Vec<&str> = if options.modules.is_empty() {
        all.into_iter()
            .filter(|module| expectations.left_out(module).is_none())
            .collect()
    } else {
        options.modules.iter().map(String::as_str).collect()
    };
    let jobs = options
        .jobs
        .or_else(|| std::thread::available_parallelism().map(usize::from).ok())
        .unwrap_or(1);
    let modules = run_modules(&service, &files, &chosen, &expectations, jobs)?;
    write_details(&modules)?;
    let report = Report::new(modules, &expectations);
    println!("{}", report.summary());
    if options.modules.is_empty() {
        let path = project::root().join("docs/python-tests.md");
        std::fs::write(&path, report.to_markdown())
            .with_context(|| format!("writing {}", path.display()))?;
        for why in report.stale() {
            println!("tests.toml explains what does not fail: {why}");
        }
    }
    report.check()
}

/// Leaves the tracebacks of all failures in `target/python-tests/`, a file for each module.
fn write_details(modules: &[Module]) -> Result<()> {
    let directory = project::root().join("target/python-tests");
    std::fs::create_dir_all(&directory)?;
    for module in modules {
        let path = directory.join(format!("{}.txt", module.name));
        std::fs::write(&path, module.details())?;
    }
    Ok(())
}

/// Runs `names`, `jobs` at once, and says of each module what came of it.
fn run_modules(
    service: &Service,
    files: &TestFiles,
    names: &[&str],
    expectations: &Expectations,
    jobs: usize,
) -> Result<Vec<Module>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || -> Result<()> {
        let client = Client::new(&service.url);
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let insist = expectations.insist.iter().any(|insisted| insisted == name);
            let tests =
                session::run(&client, files, name, insist).with_context(|| name.to_string())?;
            let module = Module::new(name, tests, expectations)?;
            println!("{}", module.told());
            done.lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .push(module);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))?
        })
    })?;
    let mut modules = done
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    modules.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(modules)
}
