//! `POST /execute`, from request to response.

use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use tokio::task::JoinSet;

use super::access::Caller;
use super::admission::{AdmissionError, Admitted};
use super::app::App;
use super::body;
use super::error::Error;
use super::included::Include;
use super::middleware::RequestId;
use super::request::ExecuteRequest;
use super::response::JsonResponse;
use crate::sandbox::{Job, Outcome, SHORT_TEXT, Usage};
use crate::telemetry::{RunRecord, Source, Trace, millis};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Runs a script, unless the shutdown aborts it.
pub(super) async fn execute(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, Error> {
    let trace = trace(request.headers());
    // Dropping the run cancels it.
    tokio::select! {
        response = read_and_run(&app, &id, trace.as_ref(), request) => response,
        () = app.admission.aborted() => Err(AdmissionError::ShuttingDown.into()),
    }
}

async fn read_and_run(
    app: &Arc<App>,
    id: &RequestId,
    trace: Option<&Trace>,
    request: Request,
) -> Result<Response, Error> {
    require_json(request.headers())?;
    let caller: Option<Caller> = request.extensions().get().cloned();
    let limits = &app.config.request;
    let body = body::read(request.into_body(), limits.body_limit, limits.body_timeout).await?;
    let (job, include) = parse(app, body).await?;

    // Admission follows the body, so that slow clients do not take permits.
    let caller_permit = app.access.caller_permit(caller.as_ref())?;
    let admitted = app.admission.admit(caller_permit).await?;
    let waited = admitted.waited;
    let caller = caller.and_then(|caller| caller.name());
    let source = Source {
        request_id: id.as_str(),
        caller: caller.as_deref(),
        trace,
    };
    let record = RunRecord::start(&app.metrics, source, job.script.len(), waited);
    let Finished {
        outcome,
        response,
        admitted,
    } = run(app, id.clone(), job, include, admitted).await?;
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

/// Parses a request body. A long one is parsed on the guests' threads: 1 MB takes up to 10 ms.
async fn parse(app: &Arc<App>, body: Vec<u8>) -> Result<(Job, Include), Error> {
    let parse = |app: &App, body: &[u8]| {
        let max_script = app.config.request.script_limit;
        ExecuteRequest::parse(body)?.into_job(&app.limits, max_script)
    };
    if body.len() <= SHORT_TEXT {
        return parse(app, &body);
    }
    let shared = Arc::clone(app);
    with_guests(app, async move { parse(&shared, &body) }).await?
}

/// A run that has ended, and its response.
struct Finished {
    outcome: Outcome,
    response: JsonResponse,
    admitted: Admitted,
}

/// Runs a script. Most end in their first turn, on the thread of the connection; the others continue on
/// the guests' threads, so that connections never wait for them. The permit moves with the run, because
/// a cancelled run needs its slot until it is dropped.
async fn run(
    app: &Arc<App>,
    id: RequestId,
    job: Job,
    include: Include,
    admitted: Admitted,
) -> Result<Finished, Error> {
    let shared = Arc::clone(app);
    let permit = Arc::clone(&admitted.permit);
    let mut run = Box::pin(async move {
        let outcome = shared.interpreter.run(job, permit).await;
        // On the thread on which the run ended: encoding a long output takes milliseconds.
        let response = JsonResponse::from_outcome(&outcome, include, admitted.waited, id.as_str());
        Finished {
            outcome,
            response,
            admitted,
        }
    });
    let first_turn = poll_fn(|context| Poll::Ready(run.as_mut().poll(context)));
    if let Poll::Ready(finished) = first_turn.await {
        return Ok(finished);
    }
    with_guests(app, run).await
}

/// Runs `work` on the guests' threads. Dropping the future cancels it.
async fn with_guests<T: Send + 'static>(
    app: &App,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Error> {
    // A set aborts its tasks when it is dropped.
    let mut tasks = JoinSet::new();
    tasks.spawn_on(work, &app.guests);
    match tasks.join_next().await {
        Some(Ok(done)) => Ok(done),
        // The middleware catches panics.
        Some(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
        // The runtime of the guests has shut down.
        _ => Err(AdmissionError::ShuttingDown.into()),
    }
}

/// Rejects bodies that are not announced as JSON, or are compressed. Parameters such as a charset are
/// ignored: JSON is UTF-8, which the parser checks.
fn require_json(headers: &HeaderMap) -> Result<(), Error> {
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    let json = |value: &HeaderValue| {
        let media_type = value.to_str().ok().and_then(|text| text.split(';').next());
        media_type.is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
    };
    let accepted = headers.get(CONTENT_TYPE).is_some_and(json)
        && headers.get_all(CONTENT_ENCODING).iter().all(plain);
    if accepted {
        Ok(())
    } else {
        Err(Error::UnsupportedMediaType)
    }
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
    fn only_plain_json_is_accepted() {
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
            assert_eq!(require_json(&headers).is_ok(), *accepted, "{given:?}");
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
