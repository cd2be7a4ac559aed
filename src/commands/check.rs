//! Prints the settings in effect, and whether they fit this machine.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use bytesize::ByteSize;
use python_executor::config::{Config, Source};
use python_executor::machine::{self, Machine};
use python_executor::proof::prove;
use python_executor::sandbox::{self, Interpreter, Runtime};
use tokio::runtime;

/// Prints everything, however bad it is.
///
/// # Errors
/// When it cannot be printed.
pub fn check(config: &Config, machine: Machine) -> anyhow::Result<ExitCode> {
    machine::raise_open_file_limit();
    let findings = [
        ("memory", memory(config, machine)),
        ("address space", address_space(config, machine)),
        ("open files", open_files(config, machine)),
        ("temporary directories", temp_root(config)),
        ("Python", python(config)),
        ("page scan", page_scan()),
    ];
    let mut report = settings(config)?;
    writeln!(report, "\nThis machine")?;
    for (what, finding) in &findings {
        let (verdict, text) = match finding {
            Ok(text) => ("ok", text),
            Err(text) => ("no", text),
        };
        writeln!(report, "  {what:21}  {verdict:2}  {text}")?;
    }
    io::stdout().lock().write_all(report.as_bytes())?;
    let fits = findings.iter().all(|(_, finding)| finding.is_ok());
    Ok(if fits {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A line for each setting.
fn settings(config: &Config) -> anyhow::Result<String> {
    let mut report = String::from("Settings\n");
    for setting in config.settings() {
        let source = match setting.source {
            Source::Default => "default",
            Source::Machine => "from the machine",
            Source::Environment => "environment",
            Source::Flag => "flag",
        };
        writeln!(
            report,
            "  {:21}  {:12}  {source}",
            setting.name, setting.value
        )?;
    }
    Ok(report)
}

fn memory(config: &Config, machine: Machine) -> Result<String, String> {
    config.check_memory(machine)?;
    let text = format!(
        "{} are free; {} scripts at their limits take {}",
        ByteSize::b(machine.memory),
        config.capacity.concurrent,
        ByteSize::b(config.most_memory())
    );
    if config.fits_into_memory(machine) {
        Ok(text)
    } else {
        Err(format!("{text}: lower MAX_CONCURRENT or MEMORY_LIMIT"))
    }
}

fn address_space(config: &Config, machine: Machine) -> Result<String, String> {
    config.check_address_space(machine)?;
    Ok(match machine.address_space {
        Some(bytes) => format!("{} (ulimit -v)", ByteSize::b(bytes)),
        None => "not limited".to_owned(),
    })
}

fn open_files(config: &Config, machine: Machine) -> Result<String, String> {
    config.check_open_files(machine)?;
    let needed = config.most_open_files();
    Ok(match machine.open_files {
        Some(limit) => format!("{limit} (ulimit -n), of {needed} needed"),
        None => "not limited".to_owned(),
    })
}

fn temp_root(config: &Config) -> Result<String, String> {
    let root = config.service.temp_root.clone();
    let root = root.unwrap_or_else(std::env::temp_dir);
    match tempfile::tempdir_in(&root) {
        Ok(_removed) => Ok(format!("{} can be written to", root.display())),
        Err(error) => Err(format!(
            "{} cannot be written to (TEMP_ROOT): {error}",
            root.display()
        )),
    }
}

/// Loads Python for a single run, and runs it.
fn python(config: &Config) -> Result<String, String> {
    let prove = || -> anyhow::Result<String> {
        let python = config.service.python()?;
        let limits = config.run.limits();
        let sandbox = Runtime::new(1, limits.memory, config.service.temp_root.as_deref())?;
        let interpreter = Interpreter::load(&sandbox, &python)?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let proof = runtime.block_on(prove(&interpreter, &limits))?;
        Ok(format!(
            "{} in {} ran a script in {:.1?}",
            proof.python_version,
            python.display(),
            proof.took
        ))
    };
    prove().map_err(|error| format!("{error:#}"))
}

/// Never a reason not to serve.
fn page_scan() -> Result<String, String> {
    Ok(if sandbox::page_scan_available() {
        "available: after a run only the pages that it changed are restored".to_owned()
    } else {
        "not available (it takes Linux 6.7 and /proc): runs give the \
         same results, but each costs more processor time to restore memory"
            .to_owned()
    })
}
