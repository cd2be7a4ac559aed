//! Connection permits, and idle connections. When all permits are taken, the connection that has been
//! idle longest is closed to accept the next one.
//!
//! A connection is idle from its start, or from the end of a response, until the head of the next
//! request is complete. So neither connections without requests nor heads that never end can block
//! other clients. A connection with a request in progress is never closed for another.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

// The phases of a connection. Any other number is the time since when it has been idle.
/// A request is in progress.
const BUSY: u64 = u64::MAX;
/// The response is complete, but not all of it is written.
const SENDING: u64 = u64::MAX - 1;
/// The connection was idle and is being closed.
const CLOSING: u64 = u64::MAX - 2;

/// The connections of a listener, up to a limit.
pub(super) struct Connections {
    permits: Arc<Semaphore>,
    open: Mutex<BTreeMap<u64, Arc<State>>>,
    /// A logical clock: only the order of events matters.
    clock: AtomicU64,
    /// Whether a new connection waits for a permit.
    full: AtomicBool,
    /// Notified when another connection may have become idle.
    changed: Notify,
}

struct State {
    phase: AtomicU64,
    close: Notify,
}

impl Connections {
    /// Allows `max` connections at once.
    pub(super) fn new(max: u32) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(max as usize)),
            open: Mutex::default(),
            clock: AtomicU64::new(0),
            full: AtomicBool::new(false),
            changed: Notify::new(),
        })
    }

    /// Waits for a permit for another connection; closes an idle one if all are taken.
    pub(super) async fn admit(self: &Arc<Self>) -> Connection {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
                break permit;
            }
            self.full.store(true, Ordering::SeqCst);
            self.close_longest_idle();
            tokio::select! {
                // The semaphore is never closed, so this is a permit.
                Ok(permit) = Arc::clone(&self.permits).acquire_owned() => break permit,
                () = self.changed.notified() => {}
            }
        };
        self.full.store(false, Ordering::SeqCst);
        let id = self.now();
        let state = Arc::new(State {
            phase: AtomicU64::new(id),
            close: Notify::new(),
        });
        self.open().insert(id, Arc::clone(&state));
        let all = Arc::clone(self);
        Connection {
            id,
            activity: Activity { state, all },
            _permit: permit,
        }
    }

    fn close_longest_idle(&self) {
        let open = self.open();
        let idle = open.values().filter_map(|state| {
            let since = state.phase.load(Ordering::SeqCst);
            (since < CLOSING).then_some((since, state))
        });
        if let Some((since, state)) = idle.min_by_key(|(since, _)| *since)
            && state.change(since, CLOSING)
        {
            state.close.notify_one();
        }
    }

    /// Makes a waiting `admit` look for an idle connection again.
    fn retry_admit(&self) {
        if self.full.load(Ordering::SeqCst) {
            self.changed.notify_one();
        }
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<State>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn change(&self, from: u64, to: u64) -> bool {
        let changed = self
            .phase
            .compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst);
        changed.is_ok()
    }
}

/// The permit of an open connection.
pub(super) struct Connection {
    id: u64,
    activity: Activity,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    /// Returns a handle that records the activity of the connection.
    pub(super) fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// Resolves when the connection is idle and has to be closed for another.
    pub(super) async fn closed(&self) {
        let Activity { state, all } = &self.activity;
        loop {
            state.close.notified().await;
            if state.phase.load(Ordering::SeqCst) == CLOSING {
                return;
            }
            // A request arrived first.
            all.retry_admit();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.activity.all.open().remove(&self.id);
    }
}

/// A handle that records when a connection is busy and when it is idle.
#[derive(Clone)]
pub(super) struct Activity {
    state: Arc<State>,
    all: Arc<Connections>,
}

impl Activity {
    /// Marks the connection busy until the request is dropped.
    pub(super) fn request(&self) -> Request {
        self.state.phase.store(BUSY, Ordering::SeqCst);
        Request(Arc::clone(&self.state))
    }

    /// Records that everything is written. The connection is idle if its response is complete.
    pub(super) fn sent(&self) {
        let state = &self.state;
        if state.phase.load(Ordering::Relaxed) == SENDING && state.change(SENDING, self.all.now()) {
            self.all.retry_admit();
        }
    }
}

/// A request in progress.
pub(super) struct Request(Arc<State>);

impl Request {
    /// Returns `body`, which keeps the request in progress until it is dropped.
    pub(super) fn until_end_of(self, body: Body) -> Body {
        Body::new(BusyBody {
            body,
            _request: self,
        })
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.change(BUSY, SENDING);
    }
}

/// A response body that keeps its request in progress.
struct BusyBody {
    body: Body,
    _request: Request,
}

impl HttpBody for BusyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
