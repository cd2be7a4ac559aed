//! The cost of hello with other ways to run a script, installed from the package registries.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use pinned::{pip_install, run};

use super::median;
use super::native::Native;
use super::process::Process;
use super::report::Report;
use super::scripts::HELLO;
use crate::client::Client;
use crate::project;
use crate::service::Service;

/// The packages that they need, in the versions that the published figures are for.
const FLASK: &[&str] = &["flask==3.1.3", "gunicorn==27.0.1"];
const MONTY: &str = "pydantic-monty==1.4.0";
const PYODIDE: &str = "pyodide@314.0.7";

/// The section of the report, and the line of this service in it.
pub const SECTION: &str = "Hello elsewhere";
pub const OURS: &str = "this service";

/// The WSGI applications: description, name in rivals.py, and requests per measurement.
const APPLICATIONS: &[(&str, &str, usize)] = &[
    ("Flask that does nothing", "nothing", 500),
    ("Flask, pydantic-monty (not CPython)", "monty", 300),
    ("Flask, a python3 process with rlimits", "process", 50),
];

/// Processes per measurement.
const PROCESSES: usize = 20;
const PYODIDES: usize = 2;

/// Measures hello here and with each rival, in turns, and prints which rivals could not be installed.
pub fn measure(report: &mut Report, rounds: usize, python: Option<&Native>) -> Result<()> {
    let directory = project::target().join("bench");
    fs::create_dir_all(&directory)?;
    let service = Service::start(&[])?;
    let own = Process::new(service.id());
    let client = Client::new(&service.url);
    let mut rivals = Vec::new();
    for (name, module, requests) in APPLICATIONS {
        match python
            .context("there is no python3")
            .and_then(|python| Application::start(&directory, python, module))
        {
            Ok(application) => rivals.push((*name, *requests, Rival::Application(application))),
            Err(error) => println!("left out: {name}: {error:#}"),
        }
    }
    if let Some(python) = python {
        let script = format!("{HELLO}import json\nprint(json.dumps(main()))");
        let mut command = Command::new(&python.program);
        command.args(["-I", "-c", &script]);
        rivals.push(("a python3 process", PROCESSES, Rival::Process(command)));
    }
    match pyodide(&directory) {
        Ok(command) => rivals.push((
            "Pyodide, a Node.js process",
            PYODIDES,
            Rival::Process(command),
        )),
        Err(error) => println!("left out: Pyodide: {error:#}"),
    }

    let mut ours = Vec::new();
    let mut theirs = vec![Vec::new(); rivals.len()];
    for _ in 0..rounds {
        ours.push(cost(500, || own.tree_cpu_ms(), || hello(&client))?);
        for ((_, requests, rival), costs) in rivals.iter_mut().zip(&mut theirs) {
            costs.push(rival.cost(*requests)?);
        }
    }
    let ours = median(&mut ours);
    report.section(SECTION, &["times ours", "cpu ms"]);
    report.line(SECTION, OURS, &[("times ours", 1.0), ("cpu ms", ours)]);
    for ((name, ..), costs) in rivals.iter().zip(&mut theirs) {
        let theirs = median(costs);
        let values = [("times ours", theirs / ours), ("cpu ms", theirs)];
        report.line(SECTION, name, &values);
    }
    Ok(())
}

/// Returns the processor time per request in milliseconds.
fn cost(
    requests: usize,
    clock: impl Fn() -> Result<f64>,
    mut request: impl FnMut() -> Result<()>,
) -> Result<f64> {
    for _ in 0..requests / 5 {
        request()?;
    }
    let before = clock()?;
    for _ in 0..requests {
        request()?;
    }
    Ok((clock()? - before) / requests as f64)
}

fn hello(client: &Client) -> Result<()> {
    let result = client.result(HELLO)?;
    ensure!(result["answer"] == 42, "the result is {result}");
    Ok(())
}

enum Rival {
    Application(Application),
    Process(Command),
}

impl Rival {
    fn cost(&mut self, requests: usize) -> Result<f64> {
        match self {
            Self::Application(application) => {
                let process = Process::new(application.gunicorn.id());
                let client = Client::new(&application.url);
                cost(requests, || process.tree_cpu_ms(), || hello(&client))
            }
            Self::Process(command) => {
                let own = Process::new(std::process::id());
                cost(
                    requests,
                    || own.children_cpu_ms(),
                    || {
                        let output = command.stderr(Stdio::inherit()).output()?;
                        let text = String::from_utf8_lossy(&output.stdout);
                        ensure!(text.contains("42"), "{command:?} printed {text}");
                        Ok(())
                    },
                )
            }
        }
    }
}

/// A Flask application in gunicorn; dropping it kills it.
struct Application {
    gunicorn: Child,
    url: String,
}

impl Application {
    fn start(directory: &Path, python: &Native, name: &str) -> Result<Self> {
        let programs = environment(directory, python, name == "monty")?;
        fs::write(directory.join("rivals.py"), include_str!("rivals.py"))?;
        let mut gunicorn = Command::new(programs.join("gunicorn"))
            .args(["--workers", "1", "--threads", "2", "--bind", "127.0.0.1:0"])
            .arg("rivals:app")
            .current_dir(directory)
            .env("RIVAL", name)
            .env("NATIVE", &python.program)
            .stderr(Stdio::piped())
            .spawn()?;
        let log = gunicorn.stderr.take().context("the log is not piped")?;
        let mut application = Self {
            gunicorn,
            url: String::new(),
        };
        let mut lines = BufReader::new(log).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let (_, rest) = line.split_once("Listening at: ")?;
            Some(rest.split(' ').next()?.to_owned())
        });
        application.url = address.context("gunicorn does not listen")?;
        // The pipe must be drained, or gunicorn would block on it.
        thread::spawn(move || lines.for_each(drop));
        Client::new(&application.url).health()?;
        Ok(application)
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        // Its worker exits by itself; neither error matters.
        let _ = self.gunicorn.kill();
        let _ = self.gunicorn.wait();
    }
}

/// Makes a virtual environment with the packages and returns the directory of its programs.
fn environment(directory: &Path, python: &Native, monty: bool) -> Result<PathBuf> {
    let environment = directory.join("venv");
    let programs = environment.join("bin");
    if !programs.exists() {
        let mut venv = Command::new(&python.program);
        run(venv.args(["-m", "venv"]).arg(&environment))?;
    }
    let mut pip = pip_install(&programs.join("python3"));
    pip.args(FLASK);
    if monty {
        pip.arg(MONTY);
    }
    run(&mut pip)?;
    Ok(programs)
}

/// Returns a command that runs hello in a fresh Pyodide.
fn pyodide(directory: &Path) -> Result<Command> {
    let package = directory.join("node");
    fs::create_dir_all(&package)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
    run(npm.arg(&package).arg(PYODIDE))?;
    let script = package.join("pyodide.mjs");
    fs::write(&script, include_str!("pyodide.mjs"))?;
    let mut node = Command::new("node");
    node.arg(script).env("PYODIDE_SCRIPT", HELLO);
    Ok(node)
}
