//! The native Python that the sandbox's is compared with.

use std::path::PathBuf;
use std::process::Command;

/// Prints the path of the program (not of a launcher in front of it on PATH), its version and its
/// configuration, which accounts for a third of its speed. Debian's Python is optimized with a profile,
/// too, but by Debian's own rules and not by this flag.
const DESCRIBE: &str = "\
import sys, sysconfig
arguments = sysconfig.get_config_var('CONFIG_ARGS') or ''
flags = [flag for flag in ('--enable-optimizations', '--with-lto') if flag in arguments]
print(sys.executable, sys.version.split()[0], ' '.join(flags) or 'without --enable-optimizations', sep='\\n')
";

/// A native Python of this machine.
pub struct Native {
    /// Its path.
    pub program: PathBuf,
    /// Its path, version and configuration, for people.
    pub description: String,
}

impl Native {
    /// Returns the Python that the command `name` starts, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        let output = Command::new(name).args(["-I", "-c", DESCRIBE]).output();
        let text = String::from_utf8(output.ok()?.stdout).ok()?;
        let mut lines = text.lines();
        let (program, version, flags) = (lines.next()?, lines.next()?, lines.next()?);
        Some(Self {
            program: program.into(),
            description: format!("{program}, {version}, {flags}"),
        })
    }
}
