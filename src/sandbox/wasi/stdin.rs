//! Standard input: bytes that are complete before the run starts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncRead;
use wasmtime_wasi::cli::{IsTerminal, StdinStream};
use wasmtime_wasi::p2::{InputStream, Pollable, StreamError, StreamResult};

/// The bytes that have not been read yet. Clones share them, so that a half-read stream survives when wasmtime's
/// state is built anew.
#[derive(Clone, Default)]
pub struct Stdin(Arc<Mutex<Bytes>>);

impl Stdin {
    /// Replaces the unread bytes.
    pub fn set(&self, bytes: Bytes) {
        *self.unread() = bytes;
    }

    /// How many bytes are unread.
    pub fn len(&self) -> usize {
        self.unread().len()
    }

    fn unread(&self) -> MutexGuard<'_, Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IsTerminal for Stdin {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for Stdin {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        // Only WASI preview 3 uses this one.
        Box::new(tokio::io::empty())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stdin {
    async fn ready(&mut self) {}
}

impl InputStream for Stdin {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut unread = self.unread();
        let size = size.min(unread.len());
        // Not for an empty buffer either: wasmtime returns EINTR for no bytes, and Python retries that for ever.
        if size == 0 {
            return Err(StreamError::Closed);
        }
        Ok(unread.split_to(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_read_on_where_the_others_stopped() {
        let stdin = Stdin::default();
        stdin.set(Bytes::from_static(b"one two"));
        let read = |size| stdin.clone().read(size).ok();
        assert_eq!(read(0), None);
        assert_eq!(read(4).as_deref(), Some(b"one ".as_slice()));
        assert_eq!(read(100).as_deref(), Some(b"two".as_slice()));
        assert_eq!(read(100), None);
        assert_eq!(stdin.len(), 0);
    }
}
