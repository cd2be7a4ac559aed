//! The command `check`: prints the settings in effect, and whether they fit this machine.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use python_executor::config::{Config, Source};
use python_executor::display::RoundedBytes;
use python_executor::sandbox::{self, Interpreter, Runtime};
use python_executor::self_test;
use python_executor::system::{self, SystemResources};
use tokio::runtime;

/// Prints the whole report, even if a check fails.
///
/// # Errors
/// When it cannot be printed.
pub fn check(config: &Config, resources: SystemResources) -> anyhow::Result<ExitCode> {
    system::raise_open_file_limit();
    let findings = [
        ("memory", memory(config, resources)),
        ("address space", address_space(config, resources)),
        ("open files", open_files(config, resources)),
        ("temporary directories", temp_root(config)),
        ("Python", python(config)),
        ("page scan", page_scan()),
    ];
    let mut report = settings(config)?;
    writeln!(report, "\nThis machine")?;
    for (check, finding) in &findings {
        let (verdict, text) = match finding {
            Ok(text) => ("ok", text),
            Err(text) => ("no", text),
        };
        writeln!(report, "  {check:21}  {verdict:2}  {text}")?;
    }
    io::stdout().lock().write_all(report.as_bytes())?;
    let fits = findings.iter().all(|(_, finding)| finding.is_ok());
    Ok(if fits {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Lists the settings, one per line.
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

fn memory(config: &Config, resources: SystemResources) -> Result<String, String> {
    config.check_memory(resources)?;
    let text = format!(
        "{} are free; {} scripts at their limits take {}",
        RoundedBytes(resources.memory),
        config.capacity.concurrent,
        RoundedBytes(config.max_memory())
    );
    if config.fits_into_memory(resources) {
        Ok(text)
    } else {
        Err(format!("{text}: lower MAX_CONCURRENT or MEMORY_LIMIT"))
    }
}

fn address_space(config: &Config, resources: SystemResources) -> Result<String, String> {
    config.check_address_space(resources)?;
    Ok(match resources.address_space {
        Some(bytes) => format!("{} (ulimit -v)", RoundedBytes(bytes)),
        None => "not limited".to_owned(),
    })
}

fn open_files(config: &Config, resources: SystemResources) -> Result<String, String> {
    config.check_open_files(resources)?;
    let needed = config.max_open_files();
    Ok(match resources.open_files {
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

/// Loads Python for a single run and runs the self-test.
fn python(config: &Config) -> Result<String, String> {
    let test = || -> anyhow::Result<String> {
        let python = config.service.python()?;
        let limits = config.run.limits();
        let sandbox = Runtime::new(1, limits.memory, config.service.temp_root.as_deref())?;
        let interpreter = Interpreter::load(&sandbox, &python)?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let tested = runtime.block_on(self_test::run(&interpreter, &limits))?;
        Ok(format!(
            "{} in {} ran a script in {:.1?}",
            tested.python_version,
            python.display(),
            tested.duration
        ))
    };
    test().map_err(|error| format!("{error:#}"))
}

/// Reports whether the kernel can report changed pages; never an error.
fn page_scan() -> Result<String, String> {
    Ok(if sandbox::page_scan_available() {
        "available: after a run only the pages that it changed are restored".to_owned()
    } else {
        "not available (it needs Linux 6.7 and /proc): runs give the \
         same results, but each costs more processor time to restore memory"
            .to_owned()
    })
}
