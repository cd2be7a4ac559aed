//! Live output: a response body of events, written while the script runs.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::accept;
use super::admission::Permit;
use super::permit_body::PermitBody;
use super::response::JsonResponse;
use crate::sandbox::{LiveOutput, NewOutput, Position};

/// Time between two events of output. The first one is sent at once.
const MIN_INTERVAL: Duration = Duration::from_millis(50);
/// Time without output after which a ping is sent, so that proxies keep the connection.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// Asks nginx not to buffer the response.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Server-sent events.
    EventStream,
    /// A JSON object a line.
    JsonLines,
}

impl Format {
    /// All formats.
    pub(super) const ALL: [Self; 2] = [Self::EventStream, Self::JsonLines];

    /// Returns the format that the request asks for; none if it asks for an ordinary response.
    pub(super) fn requested(headers: &HeaderMap) -> Option<Self> {
        let media_types = Self::ALL.map(Self::media_type);
        let index = accept::preferred(headers, &media_types, "application/json")?;
        Some(Self::ALL[index])
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::EventStream => "text/event-stream",
            Self::JsonLines => "application/x-ndjson",
        }
    }

    /// Returns the text before and after the fields of an event.
    fn around(self, name: &str) -> [String; 2] {
        match self {
            Self::EventStream => [format!("event: {name}\ndata: {{"), "}\n\n".to_owned()],
            Self::JsonLines => [format!("{{\"event\":\"{name}\","), "}\n".to_owned()],
        }
    }

    /// Writes an event of output.
    fn output(self, name: &str, text: &str) -> String {
        let [before, after] = self.around(name);
        // A string can always be written.
        let text = serde_json::to_string(text).unwrap_or_default();
        [&*before, "\"text\":", &*text, &*after].concat()
    }

    fn ping(self) -> &'static str {
        match self {
            Self::EventStream => ": ping\n\n",
            Self::JsonLines => "{\"event\":\"ping\"}\n",
        }
    }
}

/// Sends events to the body of the response.
pub(super) struct Events {
    format: Format,
    sender: mpsc::Sender<Bytes>,
}

impl Events {
    /// Sends a part of the body, and waits until the connection takes it.
    async fn send(&self, part: impl Into<Bytes>) {
        // Without a receiver, the body is dropped, and so is this future.
        let _ = self.sender.send(part.into()).await;
        // Otherwise the next part would be made before the connection takes this one.
        yield_now().await;
    }

    /// Sends what a script has written.
    pub(super) async fn send_output(&self, output: NewOutput) {
        for (name, text) in [("stdout", output.stdout), ("stderr", output.stderr)] {
            if !text.is_empty() {
                self.send(self.format.output(name, &text)).await;
            }
        }
    }

    /// Sends the ordinary response as the last event. A large one holds `permit` until it is written.
    pub(super) async fn send_response(&self, response: JsonResponse, permit: Option<Arc<Permit>>) {
        let JsonResponse {
            status, mut body, ..
        } = response;
        // Line breaks in JSON are white space, which only the result of a hostile guest has. They would end the event.
        for byte in &mut body {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        let [before, after] = self.format.around("response");
        let before = format!("{before}\"status\":{},\"body\":", status.as_u16());
        self.send(before).await;
        self.send(PermitBody::bytes(body, permit)).await;
        self.send(after).await;
    }

    /// Sends output as it is written, and pings, until `ended` resolves.
    pub(super) async fn follow<T>(
        &self,
        live: &LiveOutput,
        position: &mut Position,
        ended: impl Future<Output = T>,
    ) -> T {
        let mut ended = pin!(ended);
        let mut written = false;
        let mut next = Instant::now();
        let mut ping = next + PING_INTERVAL;
        loop {
            tokio::select! {
                ended = &mut ended => return ended,
                () = live.written(), if !written => written = true,
                () = sleep_until(next), if written => {
                    written = false;
                    self.send_output(live.read(position)).await;
                    next = Instant::now() + MIN_INTERVAL;
                    ping = Instant::now() + PING_INTERVAL;
                }
                () = sleep_until(ping) => {
                    self.send(self.format.ping()).await;
                    ping = Instant::now() + PING_INTERVAL;
                }
            }
        }
    }
}

/// Returns a response whose body consists of the events that `produce` sends. It runs while the connection takes
/// them, and is dropped with the body.
pub(super) fn response<F>(format: Format, produce: impl FnOnce(Events) -> F) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, parts) = mpsc::channel(1);
    let body = EventBody {
        producer: Some(Box::pin(produce(Events { format, sender }))),
        parts,
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (headers, Body::new(body)).into_response()
}

/// A response body whose parts a future sends. There is never more than one that the connection has not taken.
struct EventBody {
    producer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    parts: mpsc::Receiver<Bytes>,
}

impl HttpBody for EventBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(producer) = &mut self.producer
            && producer.as_mut().poll(context).is_ready()
        {
            self.producer = None;
        }
        let part = self.parts.poll_recv(context);
        part.map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_of_json_or_two_lines_of_a_stream() {
        let event = Format::EventStream.output("stdout", "a\n\"b");
        assert_eq!(event, "event: stdout\ndata: {\"text\":\"a\\n\\\"b\"}\n\n");
        let event = Format::JsonLines.output("stderr", "a\r");
        assert_eq!(event, "{\"event\":\"stderr\",\"text\":\"a\\r\"}\n");
    }

    #[test]
    fn only_an_explicit_media_type_asks_for_events() -> anyhow::Result<()> {
        let (events, lines) = (Some(Format::EventStream), Some(Format::JsonLines));
        let cases = [
            ("", None),
            ("*/*", None),
            ("text/*", None),
            ("application/*", None),
            ("application/json", None),
            ("text/event-stream", events),
            ("Text/Event-Stream; charset=utf-8", events),
            ("application/x-ndjson", lines),
            ("text/event-stream, */*", events),
            ("application/json, text/event-stream", events),
            ("application/json, text/event-stream;q=0.9", None),
            ("application/json;q=0.5, text/event-stream;q=0.9", events),
            ("*/*, text/event-stream;q=0.9", None),
            (
                "application/json;q=0.1, */*, text/event-stream;q=0.9",
                events,
            ),
            ("text/event-stream;q=0", None),
            ("text/event-stream;q=0, application/x-ndjson", lines),
            ("text/event-stream;q=0.5, application/x-ndjson", lines),
            ("text/event-stream, application/x-ndjson", events),
            ("text/event-stream;q=nonsense", None),
            ("text/event-streams", None),
        ];
        for (accept, format) in cases {
            let mut headers = HeaderMap::new();
            headers.insert("accept", HeaderValue::from_str(accept)?);
            assert_eq!(Format::requested(&headers), format, "{accept}");
        }
        assert_eq!(Format::requested(&HeaderMap::new()), None);
        Ok(())
    }
}
