//! Runs, on the thread of the connection and on the guests' threads.

use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::Poll;

use tokio::task::JoinSet;

use super::admission::{AdmissionError, Admitted};
use super::app::App;
use super::error::Error;
use super::included::Include;
use super::middleware::RequestId;
use super::response::JsonResponse;
use crate::sandbox::{Job, Outcome};

/// A job that is admitted.
pub(super) struct Task {
    pub(super) job: Job,
    pub(super) include: Include,
    pub(super) admitted: Admitted,
}

/// A run that has ended, and its response.
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    pub(super) response: JsonResponse,
    pub(super) admitted: Admitted,
}

/// Runs a script. Most end in their first turn, on the thread of the connection; the others continue on
/// the guests' threads, so that connections never wait for them.
pub(super) async fn run(app: &Arc<App>, id: RequestId, task: Task) -> Result<Finished, Error> {
    let mut run = Box::pin(whole_run(Arc::clone(app), id, task));
    let first_turn = poll_fn(|context| Poll::Ready(run.as_mut().poll(context)));
    if let Poll::Ready(finished) = first_turn.await {
        return Ok(finished);
    }
    with_guests(app, run).await
}

/// Runs a script on the guests' threads, while the thread of the connection does something else.
pub(super) async fn run_with_guests(
    app: &Arc<App>,
    id: RequestId,
    task: Task,
) -> Result<Finished, Error> {
    with_guests(app, whole_run(Arc::clone(app), id, task)).await
}

/// Runs a script from start to end. The permit moves with the run, because a cancelled run needs its slot until it is
/// dropped.
async fn whole_run(app: Arc<App>, id: RequestId, task: Task) -> Finished {
    let Task {
        job,
        include,
        admitted,
    } = task;
    let permit = Arc::clone(&admitted.permit);
    let outcome = app.interpreter.run(job, permit).await;
    // On the thread on which the run ended: encoding a long output takes milliseconds.
    let response = JsonResponse::from_outcome(&outcome, include, admitted.waited, id.as_str());
    Finished {
        outcome,
        response,
        admitted,
    }
}

/// Runs `work` on the guests' threads. Dropping the future cancels it.
pub(super) async fn with_guests<T: Send + 'static>(
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
