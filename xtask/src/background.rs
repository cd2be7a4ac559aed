//! A cargo command in the background, whose progress is shown once it is waited for.

use std::io::{self, IsTerminal, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};

/// A running command; dropping it kills it.
pub(crate) struct Background {
    child: Child,
    output: Arc<Mutex<Output>>,
    reader: Option<JoinHandle<()>>,
}

/// The output of the command.
#[derive(Default)]
struct Output {
    shown: bool,
    /// The last output that was not shown, usually a progress bar.
    last: Vec<u8>,
}

impl Background {
    /// Starts a command of cargo.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        if io::stderr().is_terminal() {
            // Cargo would not draw its bar into a pipe, and cannot ask it for its width.
            command.envs([
                ("CARGO_TERM_COLOR", "always"),
                ("CARGO_TERM_PROGRESS_WHEN", "always"),
                ("CARGO_TERM_PROGRESS_WIDTH", "79"),
            ]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().context("stderr is not piped")?;
        let output = Arc::new(Mutex::new(Output::default()));
        let reader = thread::spawn({
            let output = Arc::clone(&output);
            move || relay(stderr, &output)
        });
        Ok(Self {
            child,
            output,
            reader: Some(reader),
        })
    }

    /// Shows the progress and waits for the end. Errors are left to the next command, which needs the same.
    pub(crate) fn wait(mut self) {
        {
            let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
            output.shown = true;
            show(&output.last);
        }
        // The pipe ends with the command.
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let _ = self.child.wait();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have exited already; neither error matters.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn relay(mut stderr: impl Read, output: &Mutex<Output>) {
    let mut buffer = [0; 4096];
    while let Ok(size @ 1..) = stderr.read(&mut buffer) {
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        if output.shown {
            show(&buffer[..size]);
        } else {
            output.last = buffer[..size].to_vec();
        }
    }
}

fn show(bytes: &[u8]) {
    // Progress that cannot be shown does not matter.
    let _ = io::stderr().write_all(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_output_before_the_wait_is_kept() -> Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", "printf 1 >&2; printf 2"]);
        let mut background = Background::start(command)?;
        let reader = background.reader.take();
        assert!(reader.is_some_and(|reader| reader.join().is_ok()));
        let last = background.output.lock().map(|output| output.last.clone());
        assert_eq!(last.unwrap_or_default(), b"1");
        Ok(())
    }
}
