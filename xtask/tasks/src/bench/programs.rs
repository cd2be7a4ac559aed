//! Programs of pyperformance that need nothing but Python: the processor time in the sandbox relative to
//! the machine's own Python.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::native::Native;
use super::report::Report;
use crate::client::Client;
use crate::python;
use crate::service::Service;

/// The programs that consist of one source file and neither print nor open anything.
const PROGRAMS: &[&str] = &[
    "barnes_hut",
    "chaos",
    "comprehensions",
    "coroutines",
    "crypto_pyaes",
    "deepcopy",
    "deltablue",
    "fannkuch",
    "float",
    "generators",
    "go",
    "hexiom",
    "json_dumps",
    "json_loads",
    "logging",
    "mdp",
    "meteor_contest",
    "nbody",
    "nqueens",
    "pidigits",
    "raytrace",
    "regex_compile",
    "regex_dna",
    "regex_effbot",
    "regex_v8",
    "richards",
    "richards_super",
    "scimark",
    "spectral_norm",
    "typing_runtime_protocols",
    "unpack_sequence",
];

/// Each program is repeated until the machine's own Python takes about this long, in seconds.
const NATIVE_SECONDS: f64 = 0.2;

/// Settings under which no limit is reached.
const SETTINGS: &[(&str, &str)] = &[
    ("CPU_LIMIT", "10m"),
    ("WALL_LIMIT", "20m"),
    ("MEMORY_LIMIT", "500MB"),
    ("BODY_LIMIT", "4MiB"),
    ("STDOUT_LIMIT", "16MiB"),
];

/// Measures all programs, natively and in the sandbox in turns. The minimum of the rounds counts, because
/// other load on the machine only adds to it.
pub fn measure(report: &mut Report, rounds: usize, python: Option<&Native>) -> Result<()> {
    let python = python.context("there is no native Python to compare with")?;
    let directory = pyperformance()?;
    let service = Service::start(SETTINGS)?;
    let client = Client::new(&service.url);
    let section = "Programs of pyperformance";
    report.section(section, &["native s", "sandbox s", "ratio"]);
    let (mut logarithms, mut count) = (0.0, 0);
    for name in PROGRAMS {
        let source = directory.join(format!("bm_{name}/run_benchmark.py"));
        let source = fs::read_to_string(&source).with_context(|| source.display().to_string())?;
        let loops = match native(python, &source, 1)? {
            // The machine's Python lacks a module that the program needs.
            None => continue,
            Some(once) => (NATIVE_SECONDS / once.max(1e-6)).ceil().clamp(1.0, 1e5) as u32,
        };
        let (mut native_min, mut ours_min) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..rounds {
            native_min = native_min.min(native(python, &source, loops)?.unwrap_or(f64::NAN));
            let used = client
                .result(&script(&source, loops))
                .with_context(|| format!("{name} in the sandbox"))?;
            ours_min = ours_min.min(used.as_f64().context("seconds are a number")?);
        }
        let ratio = ours_min / native_min;
        let values = [
            ("native s", native_min),
            ("sandbox s", ours_min),
            ("ratio", ratio),
        ];
        report.line(section, name, &values);
        logarithms += ratio.ln();
        count += 1;
    }
    let mean = (logarithms / f64::from(count)).exp();
    let values = [
        ("native s", f64::NAN),
        ("sandbox s", f64::NAN),
        ("ratio", mean),
    ];
    report.line(section, "geometric mean", &values);
    Ok(())
}

/// Installs pyperformance and returns the directory of its programs.
fn pyperformance() -> Result<PathBuf> {
    let installed = python::install_wheel(&python::Wheel {
        package: "pyperformance".into(),
        version: "1.14.0".into(),
        sha256: vec!["94068ac2935b6952ccb5e8a302eb9cebc26e82454494bef6e53822738adf0049".into()],
    })?;
    Ok(installed.join("pyperformance/data-files/benchmarks"))
}

/// Returns a script that runs a program with a stub of pyperf.
fn script(program: &str, loops: u32) -> String {
    let [pyperf, program] =
        [include_str!("pyperf.py"), program].map(|text| Value::from(text).to_string());
    // A JSON string is also a Python string.
    format!(
        "import sys, types\n\
         def main():\n    \
             pyperf = sys.modules['pyperf'] = types.ModuleType('pyperf')\n    \
             exec({pyperf}, pyperf.__dict__)\n    \
             pyperf.LOOPS = {loops}\n    \
             namespace = {{'__name__': '__main__', '__file__': 'run_benchmark.py'}}\n    \
             exec(compile({program}, 'run_benchmark.py', 'exec'), namespace)\n    \
             return pyperf.seconds\n"
    )
}

/// Returns the processor time of the native Python in seconds, unless it fails.
fn native(python: &Native, program: &str, loops: u32) -> Result<Option<f64>> {
    let timed = format!(
        "{}\nimport os, sys\nsys.stdout = open(os.devnull, 'w')\nsys.argv = ['run_benchmark.py']\n\
         print(main(), file=sys.__stdout__)",
        script(program, loops)
    );
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), timed)?;
    let output = Command::new(&python.program)
        .arg("-I")
        .arg(file.path())
        .output();
    let Ok(output) = output else { return Ok(None) };
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim().parse().ok())
}
