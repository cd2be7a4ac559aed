//! `POST /execute`, from request to response.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use futures_util::FutureExt;

use super::access::Caller;
use super::admission::AdmissionError;
use super::app::App;
use super::body;
use super::cors;
use super::error::Error;
use super::included::Include;
use super::live::{self, Events, Format};
use super::middleware::RequestId;
use super::request::{self, ExecuteRequest};
use super::response::JsonResponse;
use super::run::{self, Finished, Task};
use crate::sandbox::{Job, LiveOutput, Position, SHORT_TEXT, Usage};
use crate::telemetry::{RunRecord, Source, Trace, millis};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Runs a script, unless the shutdown aborts it.
pub(super) async fn execute(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, Error> {
    // Dropping the run cancels it.
    tokio::select! {
        response = read_and_run(&app, id, request) => response,
        () = app.admission.aborted() => Err(AdmissionError::ShuttingDown.into()),
    }
}

async fn read_and_run(app: &Arc<App>, id: RequestId, request: Request) -> Result<Response, Error> {
    let encoding = Encoding::of(request.headers())?;
    if encoding != Encoding::Json {
        cors::require_same_origin(request.headers(), &app.config.service.cors_origins)?;
    }
    let trace = trace(request.headers());
    let format = Format::requested(request.headers());
    let caller: Option<Caller> = request.extensions().get().cloned();
    let limits = &app.config.request;
    let body = body::read(request.into_body(), limits.body_limit, limits.body_timeout).await?;
    let (job, include) = parse(app, encoding, body).await?;

    // Admission follows the body, so that slow clients do not take permits.
    let caller_permit = app.access.caller_permit(caller.as_ref())?;
    let admitted = app.admission.admit(caller_permit).await?;
    let caller = caller.and_then(|caller| caller.name());
    let origin = Origin { id, caller, trace };
    let task = Task {
        job,
        include,
        admitted,
    };
    if let Some(format) = format {
        let app = Arc::clone(app);
        return Ok(live::response(format, |events| async move {
            run_live(&app, &origin, task, &events).await;
        }));
    }

    let waited = task.admitted.waited;
    let record = task.record(app, &origin);
    let Finished {
        outcome,
        response,
        admitted,
    } = run::run(app, origin.id.clone(), task).await?;
    record.finish(response.kind, response.status.as_u16(), &outcome);
    let mut response = response.into_response(Some(admitted.permit));
    if let Some(timing) = timing(waited, &outcome.usage) {
        response.headers_mut().insert(SERVER_TIMING, timing);
    }
    if app.admission.is_shutting_down() {
        // A client that keeps its connection would send its next request here.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    Ok(response)
}

/// Runs a script, and sends its output while it runs.
async fn run_live(app: &Arc<App>, origin: &Origin, mut task: Task, events: &Events) {
    let output = LiveOutput::default();
    task.job.live = Some(output.clone());
    task.job.input.live = true;
    let record = task.record(app, origin);
    let run = run::run_with_guests(app, origin.id.clone(), task);
    let ended = AssertUnwindSafe(async {
        tokio::select! {
            finished = run => finished,
            () = app.admission.aborted() => Err(AdmissionError::ShuttingDown.into()),
        }
    });
    let mut position = Position::default();
    let ended = events.follow(&output, &mut position, ended.catch_unwind());
    let ended = ended.await.unwrap_or_else(|_| {
        tracing::error!(request_id = %origin.id, "a run panicked");
        Err(Error::Internal(origin.id.to_string()))
    });
    match ended {
        Ok(Finished {
            outcome,
            response,
            admitted,
        }) => {
            record.finish(response.kind, response.status.as_u16(), &outcome);
            let rest = position.rest(&outcome.stdout, &outcome.stderr);
            // The response has a copy of it.
            drop(outcome);
            events.send_output(rest).await;
            events.send_response(response, Some(admitted.permit)).await;
        }
        Err(error) => {
            drop(record);
            events.send_response(JsonResponse::from(&error), None).await;
        }
    }
}

/// The origin of a request, for the log.
struct Origin {
    id: RequestId,
    caller: Option<String>,
    trace: Option<Trace>,
}

impl Task {
    /// Opens the record of its run, which is about to start.
    fn record<'a>(&self, app: &'a App, origin: &'a Origin) -> RunRecord<'a> {
        let source = Source {
            request_id: origin.id.as_str(),
            caller: origin.caller.as_deref(),
            trace: origin.trace.as_ref(),
        };
        let waited = self.admitted.waited;
        RunRecord::start(&app.metrics, source, self.job.script.len(), waited)
    }
}

/// How a request body is written.
#[derive(Debug, PartialEq, Eq)]
enum Encoding {
    Json,
    Multipart { boundary: String },
}

impl Encoding {
    /// Rejects bodies of other media types, and compressed ones. Parameters of JSON such as a charset are ignored: JSON
    /// is UTF-8, which the parser checks.
    fn of(headers: &HeaderMap) -> Result<Self, Error> {
        let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
        if !headers.get_all(CONTENT_ENCODING).iter().all(plain) {
            return Err(Error::UnsupportedMediaType);
        }
        let content_type = headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.ok_or(Error::UnsupportedMediaType)?;
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/json") {
            Ok(Self::Json)
        } else if media_type.eq_ignore_ascii_case("multipart/form-data") {
            request::boundary(content_type).map(|boundary| Self::Multipart { boundary })
        } else {
            Err(Error::UnsupportedMediaType)
        }
    }
}

/// Parses a request body. A long one is parsed on the guests' threads: 1 MB takes up to 10 ms.
async fn parse(app: &Arc<App>, encoding: Encoding, body: Vec<u8>) -> Result<(Job, Include), Error> {
    if body.len() <= SHORT_TEXT {
        return parse_here(app, encoding, body).await;
    }
    let shared = Arc::clone(app);
    let parse = async move { parse_here(&shared, encoding, body).await };
    run::with_guests(app, parse).await?
}

async fn parse_here(app: &App, encoding: Encoding, body: Vec<u8>) -> Result<(Job, Include), Error> {
    let request = match encoding {
        Encoding::Json => ExecuteRequest::parse(&body)?,
        Encoding::Multipart { boundary } => {
            ExecuteRequest::parse_multipart(body.into(), boundary).await?
        }
    };
    request.into_job(&app.limits, app.config.request.script_limit)
}

/// Returns the trace that the request belongs to; none if there are two `traceparent` headers.
fn trace(headers: &HeaderMap) -> Option<Trace> {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let (parent, None) = (parents.next()?, parents.next()) else {
        return None;
    };
    Trace::from_parent(parent.to_str().ok()?)
}

fn timing(queue: Duration, usage: &Usage) -> Option<HeaderValue> {
    let text = format!(
        "queue;dur={:.3}, start;dur={:.3}, run;dur={:.3}",
        millis(queue),
        millis(usage.start),
        millis(usage.run)
    );
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_json_and_multipart_are_accepted() {
        let cases: &[(&[(HeaderName, &str)], bool)] = &[
            (&[(CONTENT_TYPE, "application/json")], true),
            (&[(CONTENT_TYPE, "Application/JSON; charset=utf-8")], true),
            (&[(CONTENT_TYPE, "application/json ;x")], true),
            (
                &[
                    (CONTENT_TYPE, "application/json"),
                    (CONTENT_ENCODING, "identity"),
                ],
                true,
            ),
            (
                &[
                    (CONTENT_TYPE, "application/json"),
                    (CONTENT_ENCODING, "gzip"),
                ],
                false,
            ),
            (&[(CONTENT_TYPE, "multipart/form-data; boundary=b")], true),
            (
                &[(CONTENT_TYPE, "Multipart/Form-Data;boundary=\"b c\"")],
                true,
            ),
            (&[(CONTENT_TYPE, "multipart/form-data")], false),
            (&[(CONTENT_TYPE, "multipart/form-data; boundary=")], false),
            (&[(CONTENT_TYPE, "multipart/mixed; boundary=b")], false),
            (&[(CONTENT_TYPE, "application/jsonp")], false),
            (&[(CONTENT_TYPE, "application/ld+json")], false),
            (&[(CONTENT_TYPE, "text/plain")], false),
            (&[(CONTENT_TYPE, "")], false),
            (&[], false),
        ];
        for (given, accepted) in cases {
            let headers = given
                .iter()
                .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(Encoding::of(&headers).is_ok(), *accepted, "{given:?}");
        }
    }

    #[test]
    fn timing_is_in_milliseconds() {
        let usage = Usage {
            start: Duration::from_micros(100),
            run: Duration::from_micros(1_200),
            ..Usage::default()
        };
        let header = timing(Duration::from_micros(12), &usage);
        let expected = "queue;dur=0.012, start;dur=0.100, run;dur=1.200";
        assert_eq!(header, Some(HeaderValue::from_static(expected)));
    }
}
