//! Bounds what an answer costs until its client has taken it: how long, and what is held meanwhile.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::admission::Pass;
use super::idle::Activity;

/// Answers of up to so many bytes can wait for their clients without anything being held for them:
/// even one for each connection is little.
const SMALL: usize = 64 << 10;

/// The body of an answer. If it is a large one it keeps the `pass` of its run until the last byte is on
/// its way, so that there are never more of them in memory than runs are allowed at once.
pub(super) fn body(text: Vec<u8>, pass: Option<Pass>) -> Body {
    if text.len() <= SMALL {
        return Body::from(text);
    }
    Body::from(Bytes::from_owner(Held { text, _pass: pass }))
}

struct Held {
    text: Vec<u8>,
    _pass: Option<Pass>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

/// Bytes of an answer that are written at once. The other connections of the thread have their turn
/// before more of a large answer is copied to the kernel, which takes 1 ms for each 4 MB.
const BURST: usize = 128 << 10;

/// A connection that ends when its client does not take an answer in time, however little of it the
/// client takes now and then.
pub(super) struct Impatient {
    stream: TcpStream,
    /// Bytes that may be written before others have their turn.
    burst: usize,
    patience: Duration,
    /// Since the client first kept an answer waiting; none when it has got all there is.
    late: Option<Pin<Box<Sleep>>>,
    activity: Activity,
}

impl Impatient {
    /// Gives each answer `patience` to be taken, and notes in `activity` when one is.
    pub(super) fn new(stream: TcpStream, patience: Duration, activity: Activity) -> Self {
        Self {
            stream,
            burst: BURST,
            patience,
            late: None,
            activity,
        }
    }

    /// Resolves when something may be written: how much.
    fn poll_burst(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        if self.burst == 0 {
            self.burst = BURST;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.burst)
    }

    /// What came of a write, unless the client has been too slow.
    fn judge(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = written {
            self.burst = self.burst.saturating_sub(count);
        }
        if written.is_pending() {
            let patience = self.patience;
            let late = self.late.get_or_insert_with(|| Box::pin(sleep(patience)));
            ready!(late.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let most = ready!(self.poll_burst(context)).min(bytes.len());
        let written = Pin::new(&mut self.stream).poll_write(context, &bytes[..most]);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let most = ready!(self.poll_burst(context));
        let length: usize = bytes.iter().map(|part| part.len()).sum();
        let written = if length <= most {
            Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
        } else {
            let first = bytes.iter().find(|part| !part.is_empty());
            let first: &[u8] = first.map_or(&[], |part| part);
            Pin::new(&mut self.stream).poll_write(context, &first[..first.len().min(most)])
        };
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when it has written all there is.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.late = None;
        self.activity.sent();
        self.burst = BURST;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
