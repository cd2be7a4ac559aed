//! Request bodies: reading them within limits of size and time, and discarding unread ones.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::error::Error;

/// Bytes of an unread body that are read and discarded.
const MAX_LINGER: usize = 16 << 20;
/// Time for discarding an unread body.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the whole body, unless it is longer than `limit` or takes longer than `time`.
pub(super) async fn read(body: Body, limit: usize, time: Duration) -> Result<Vec<u8>, Error> {
    // The lower bound is the Content-Length, or 0: a body that is announced too large is not read.
    if body.size_hint().lower() > limit as u64 {
        return Err(Error::TooLarge(limit));
    }
    match timeout(time, collect(body, limit)).await {
        Ok(collected) => collected,
        Err(_) => Err(Error::SlowBody(time)),
    }
}

/// Collects the chunks in one buffer: kept as they are, chunks of one byte would take forty times their
/// length.
async fn collect(mut body: Body, limit: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Error::InvalidRequest(
                "the request body ended too early, or its chunks are malformed".into(),
            )
        })?;
        let data = frame.into_data().unwrap_or_default();
        if data.len() > limit - bytes.len() {
            return Err(Error::TooLarge(limit));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// A body whose unread rest is read and discarded in the background when it is dropped.
///
/// Many clients send their whole request before they read the response. If the connection were closed
/// while they send, they would see a reset instead of the 413.
pub(super) struct Lingering(Body);

impl Lingering {
    pub(super) fn wrap(body: Body) -> Body {
        if body.is_end_stream() {
            body
        } else {
            Body::new(Self(body))
        }
    }
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if self.0.is_end_stream() {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let rest = std::mem::take(&mut self.0);
            runtime.spawn(timeout(LINGER_TIMEOUT, discard(rest)));
        }
    }
}

async fn discard(mut body: Body) {
    let mut remaining = MAX_LINGER;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Buf::remaining);
        match remaining.checked_sub(length) {
            Some(rest) => remaining = rest,
            None => return,
        }
    }
}
