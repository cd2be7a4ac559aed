//! CPython's own tests, run inside the sandbox, and a report of their outcomes.
//!
//! Each module is sent to a service like any script, together with the files it needs; the limits are
//! high enough for tests.

mod expectations;
mod pack;
mod report;
mod session;

use anyhow::{Context, Result, ensure};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use self::expectations::Expectations;
use self::pack::TestFiles;
use self::report::{Module, Report};
use crate::client::Client;
use crate::service::{self, Service};
use crate::{project, python};

/// Limits that are high enough for every test.
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

/// Command-line options.
#[derive(clap::Args)]
pub struct Options {
    /// Modules to run, such as `test_json` [default: all, and docs/python-tests.md is written].
    modules: Vec<String>,
    /// The number of modules that run at once [default: one per core].
    #[arg(long)]
    jobs: Option<usize>,
}

/// Runs the tests, prints what failed and, when all were run, writes docs/python-tests.md.
pub fn run(options: &Options) -> Result<()> {
    service::build()?;
    let service = Service::start(SETTINGS)?;
    let cpython = python::sources()?;
    let files = TestFiles::read(&cpython)?;
    let expectations = Expectations::read()?;
    let all: Vec<&str> = files.modules().collect();
    let named = expectations.excluded.values().flatten();
    for name in named
        .chain(&expectations.not_skipped)
        .chain(&options.modules)
    {
        ensure!(all.contains(&&**name), "CPython's tests have no {name}");
    }
    let chosen: Vec<&str> = if options.modules.is_empty() {
        all.into_iter()
            .filter(|module| expectations.exclusion(module).is_none())
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
        for why in report.unused() {
            println!("tests.toml explains a failure that does not occur: {why}");
        }
    }
    report.check()
}

/// Writes the tracebacks of all failures to `target/python-tests/`, a file per module.
fn write_details(modules: &[Module]) -> Result<()> {
    let directory = project::target().join("python-tests");
    std::fs::create_dir_all(&directory)?;
    for module in modules {
        let path = directory.join(format!("{}.txt", module.name));
        std::fs::write(&path, module.details())?;
    }
    Ok(())
}

/// Runs `names`, `jobs` at once, and prints the outcome of each module.
fn run_modules(
    service: &Service,
    files: &TestFiles,
    names: &[&str],
    expectations: &Expectations,
    jobs: usize,
) -> Result<Vec<Module>> {
    let run = |name: &&str| -> Result<Module> {
        let client = Client::new(&service.url);
        let run_anyway = expectations.not_skipped.iter().any(|module| module == name);
        let tests =
            session::run(&client, files, name, run_anyway).with_context(|| name.to_string())?;
        let module = Module::new(name, tests, expectations)?;
        println!("{}", module.line());
        Ok(module)
    };
    let workers = ThreadPoolBuilder::new().num_threads(jobs).build()?;
    let modules: Result<Vec<_>> =
        workers.install(|| names.par_iter().with_max_len(1).map(run).collect());
    let mut modules = modules?;
    modules.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(modules)
}
