//! The Python that the sandbox's is compared with.

use std::path::PathBuf;
use std::process::Command;

/// What it says of itself: the program (not a launcher that stands before it on PATH), its version and
/// how it was configured, which is worth a third of its speed. Not the whole truth: Debian's Python is
/// optimized with a profile, too, but by Debian's own rules and not by this flag.
const QUESTION: &str = "\
import sys, sysconfig
arguments = sysconfig.get_config_var('CONFIG_ARGS') or ''
flags = [flag for flag in ('--enable-optimizations', '--with-lto') if flag in arguments]
print(sys.executable, sys.version.split()[0], ' '.join(flags) or 'without --enable-optimizations', sep='\\n')
";

/// A native Python of this machine.
pub struct Native {
    /// The program.
    pub program: PathBuf,
    /// Where it is, its version and how it was configured, for people.
    pub description: String,
}

impl Native {
    /// The Python that the command `name` starts, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        let output = Command::new(name).args(["-I", "-c", QUESTION]).output();
        let text = String::from_utf8(output.ok()?.stdout).ok()?;
        let mut lines = text.lines();
        let (program, version, flags) = (lines.next()?, lines.next()?, lines.next()?);
        Some(Self {
            program: program.into(),
            description: format!("{program}, {version}, {flags}"),
        })
    }
}
