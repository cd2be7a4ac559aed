//! The write timeout: closes the connection of a client that does not read its response in time.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::idle::Activity;

/// Bytes of a response that are written before the task yields. Copying to the kernel takes 1 ms for
/// each 4 MB, during which the other connections of the thread have to wait.
const BURST: usize = 128 << 10;

/// A connection that fails with a timeout when its client does not read a response in time, even if
/// the client reads a little now and then.
pub(super) struct WriteTimeout {
    stream: TcpStream,
    /// Bytes that may be written before the task yields.
    burst: usize,
    timeout: Duration,
    /// Starts at the first write of a response that has to wait for the client, and is unset when the
    /// whole response is written.
    deadline: Option<Pin<Box<Sleep>>>,
    activity: Activity,
}

impl WriteTimeout {
    /// Allows `timeout` for each response, and records in `activity` when one is written.
    pub(super) fn new(stream: TcpStream, timeout: Duration, activity: Activity) -> Self {
        Self {
            stream,
            burst: BURST,
            timeout,
            deadline: None,
            activity,
        }
    }

    /// Resolves to the number of bytes that may be written now.
    fn poll_burst(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        if self.burst == 0 {
            self.burst = BURST;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.burst)
    }

    /// Returns the result of a write, or an error if the deadline has passed.
    fn check(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = written {
            self.burst = self.burst.saturating_sub(count);
        }
        if written.is_pending() {
            let timeout = self.timeout;
            let deadline = self
                .deadline
                .get_or_insert_with(|| Box::pin(sleep(timeout)));
            ready!(deadline.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl AsyncRead for WriteTimeout {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for WriteTimeout {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let max = ready!(self.poll_burst(context)).min(bytes.len());
        let written = Pin::new(&mut self.stream).poll_write(context, &bytes[..max]);
        self.check(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let max = ready!(self.poll_burst(context));
        let length: usize = bytes.iter().map(|part| part.len()).sum();
        let written = if length <= max {
            Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
        } else {
            let first = bytes.iter().find(|part| !part.is_empty());
            let first: &[u8] = first.map_or(&[], |part| part);
            Pin::new(&mut self.stream).poll_write(context, &first[..first.len().min(max)])
        };
        self.check(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes once everything is written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.deadline = None;
        self.activity.sent();
        self.burst = BURST;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
