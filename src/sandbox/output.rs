//! Output capture: what a guest writes to stdout and stderr, up to a limit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tokio::sync::Notify;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// Bytes that a guest may pass in one write; wasmtime's own streams take about as much.
const MAX_WRITE: usize = 64 << 10;

/// The guest has written more than the limit; ends the run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{stream} limit of {limit} bytes exceeded")]
pub struct OutputLimitExceeded {
    /// `stdout` or `stderr`.
    pub stream: &'static str,
    /// The limit in bytes.
    pub limit: usize,
}

/// One captured stream. Clones share the captured bytes.
#[derive(Clone)]
pub struct Capture {
    stream: &'static str,
    captured: Arc<Mutex<Captured>>,
}

#[derive(Default)]
struct Captured {
    limit: usize,
    bytes: Vec<u8>,
    written: Option<Arc<Notify>>,
}

impl Capture {
    /// A capture of the stream called `stream`, without room until a job begins.
    pub fn new(stream: &'static str) -> Self {
        Self {
            stream,
            captured: Arc::default(),
        }
    }

    /// Empties the capture and allows `limit` bytes. `written` is notified of each write.
    pub fn begin(&self, limit: usize, written: Option<Arc<Notify>>) {
        *self.captured() = Captured {
            limit,
            bytes: Vec::new(),
            written,
        };
    }

    /// Takes the captured bytes as text. Bytes that are not UTF-8 become U+FFFD; so does a character
    /// that the limit cut in two.
    pub fn take_text(&self) -> String {
        let bytes = std::mem::take(&mut self.captured().bytes);
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// The number of captured bytes.
    pub fn len(&self) -> usize {
        self.captured().bytes.len()
    }

    /// The number of bytes left until the limit.
    pub fn room(&self) -> usize {
        self.captured().room()
    }

    /// Appends `more`, as far as there is room.
    ///
    /// # Errors
    /// When there is not room for all of it.
    pub fn append(&self, more: &[u8]) -> Result<(), OutputLimitExceeded> {
        let mut captured = self.captured();
        let room = captured.room();
        captured
            .bytes
            .extend_from_slice(&more[..more.len().min(room)]);
        if let Some(written) = &captured.written {
            written.notify_one();
        }
        if more.len() > room {
            return Err(OutputLimitExceeded {
                stream: self.stream,
                limit: captured.limit,
            });
        }
        Ok(())
    }

    /// Calls `read` with the bytes from `start` on; they are none after the end of the step.
    pub fn from<T>(&self, start: usize, read: impl FnOnce(&[u8]) -> T) -> T {
        read(self.captured().bytes.get(start..).unwrap_or_default())
    }

    fn captured(&self) -> MutexGuard<'_, Captured> {
        self.captured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Captured {
    fn room(&self) -> usize {
        self.limit - self.bytes.len()
    }
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Used by WASI preview 2 and later only; the guest has preview 1.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Capture {
    async fn ready(&mut self) {}
}

impl OutputStream for Capture {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes)
            .map_err(|exceeded| StreamError::Trap(exceeded.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_WRITE)
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_is_kept() {
        let capture = Capture::new("stdout");
        capture.begin(5, None);
        assert_eq!(capture.append(b"abc"), Ok(()));
        assert_eq!(capture.append(b"de"), Ok(()));
        assert_eq!(
            capture.append(b"f"),
            Err(OutputLimitExceeded {
                stream: "stdout",
                limit: 5
            })
        );
        assert_eq!(capture.take_text(), "abcde");
    }

    #[test]
    fn bytes_that_are_not_text_are_replaced() {
        let capture = Capture::new("stdout");
        capture.begin(100, None);
        assert_eq!(capture.append(b"a\xffb"), Ok(()));
        assert_eq!(capture.take_text(), "a\u{fffd}b");
    }
}
