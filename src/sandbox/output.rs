//! Captures what a guest writes to its standard streams, up to a limit.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// How much a guest may hand over in one write; wasmtime's own streams take about as much.
const WRITE_PERMIT: usize = 64 << 10;

/// The guest has written more than it may; ends the run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{stream} limit of {limit} bytes exceeded")]
pub struct OutputLimitExceeded {
    /// `stdout` or `stderr`.
    pub stream: &'static str,
    /// The limit in bytes.
    pub limit: usize,
}

/// One captured stream. Clones share what has been captured.
#[derive(Clone)]
pub struct Capture {
    stream: &'static str,
    limit: usize,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Capture {
    /// Captures up to `limit` bytes of the stream called `stream`.
    pub fn new(stream: &'static str, limit: usize) -> Self {
        Self {
            stream,
            limit,
            bytes: Arc::default(),
        }
    }

    /// What has been captured so far, as text. Bytes that are not UTF-8 become U+FFFD; so does a
    /// character that the limit cut in two.
    pub fn into_text(self) -> String {
        let bytes = std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// How many bytes have been captured.
    pub fn len(&self) -> usize {
        self.bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// How many bytes more there may be.
    pub fn room(&self) -> usize {
        self.limit - self.len()
    }

    /// Adds `more`, as far as there is room.
    ///
    /// # Errors
    /// When there is not room for all of it.
    pub fn append(&self, more: &[u8]) -> Result<(), OutputLimitExceeded> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.limit - bytes.len();
        bytes.extend_from_slice(&more[..more.len().min(room)]);
        if more.len() > room {
            return Err(OutputLimitExceeded {
                stream: self.stream,
                limit: self.limit,
            });
        }
        Ok(())
    }
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only WASI preview 2 and later ask for this one, and the guest has preview 1.
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
        Ok(WRITE_PERMIT)
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_is_kept() {
        let capture = Capture::new("stdout", 5);
        assert_eq!(capture.append(b"abc"), Ok(()));
        assert_eq!(capture.append(b"de"), Ok(()));
        assert_eq!(
            capture.append(b"f"),
            Err(OutputLimitExceeded {
                stream: "stdout",
                limit: 5
            })
        );
        assert_eq!(capture.into_text(), "abcde");
    }

    #[test]
    fn bytes_that_are_not_text_are_replaced() {
        let capture = Capture::new("stdout", 100);
        assert_eq!(capture.append(b"a\xffb"), Ok(()));
        assert_eq!(capture.into_text(), "a\u{fffd}b");
    }
}
