//! Connections: accepts them, bounds what each may take, and sees them off at the end.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::future::select_all;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::access::Peer;
use super::idle::Connections;
use super::taking::Impatient;
use super::workers::Workers;
use super::{App, admin_router, router};

/// Bytes the head of a request may have; also the size of the read buffer.
const HEAD_LIMIT: usize = 64 << 10;
/// Connections to the admin address: a few who ask now and then.
const ADMIN_CONNECTIONS: u32 = 64;
/// Pause after the system refused a connection, for lack of descriptors for instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// When the grace is over, how long the last answers may take to be sent.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where the service listens.
pub struct Listeners {
    /// For those who send scripts.
    pub main: TcpListener,
    /// For those who operate the service, if that is elsewhere.
    pub admin: Option<TcpListener>,
}

/// What serves connections.
pub struct Server {
    app: Arc<App>,
    doors: Vec<Door>,
    http: http1::Builder,
    connections: GracefulShutdown,
    workers: Workers,
}

/// A place where connections come in.
struct Door {
    listener: TcpListener,
    service: TowerToHyperService<Router>,
    connections: Arc<Connections>,
}

impl Door {
    fn new(listener: TcpListener, routes: Router, most: u32) -> Self {
        Self {
            listener,
            service: TowerToHyperService::new(routes),
            connections: Connections::new(most),
        }
    }
}

impl Server {
    /// Gets ready for the connections of `listeners`.
    ///
    /// # Errors
    /// When there are no threads for them, or a document of the service cannot be written.
    pub fn new(listeners: Listeners, app: App) -> anyhow::Result<Self> {
        let app = Arc::new(app);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(app.config.request.header_timeout)
            .max_buf_size(HEAD_LIMIT);
        let address = listeners.main.local_addr()?.ip();
        let most = app.config.capacity.connections;
        let mut doors = vec![Door::new(listeners.main, router(&app, address)?, most)];
        if let Some(listener) = listeners.admin {
            let routes = admin_router(&app, listener.local_addr()?.ip());
            doors.push(Door::new(listener, routes, ADMIN_CONNECTIONS));
        }
        Ok(Self {
            doors,
            http,
            connections: GracefulShutdown::new(),
            workers: Workers::start()?,
            app,
        })
    }

    /// Serves until `shutdown` resolves, then sees those inside off.
    ///
    /// First the service only says that it is not ready, so that load balancers send no more. Then,
    /// while those inside finish, new requests are still answered: with 503, so that a load balancer
    /// that has not heard yet gets an answer that it can act on. What has not finished within the
    /// grace period is cancelled and answered 503 as well.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            never = self.accept() => match never {},
            () = shutdown => {}
        }
        let admission = &self.app.admission;
        let settings = &self.app.config.service;

        admission.leave();
        let delay = settings.shutdown_delay;
        if !delay.is_zero() {
            tracing::info!("not ready any more, shutting down in {delay:?}");
            tokio::select! {
                never = self.accept() => match never {},
                () = sleep(delay) => {}
            }
        }

        let deadline = Instant::now() + settings.shutdown_grace;
        admission.drain();
        tracing::info!("shutting down");
        tokio::select! {
            never = self.accept() => match never {},
            () = admission.empty() => {}
            () = sleep_until(deadline) => tracing::warn!("cancelling runs: the grace period is over"),
        }

        admission.close();
        // From here on a connection is better refused than left without an answer.
        drop(self.doors);
        let last = deadline.max(Instant::now() + LAST_WORDS);
        if timeout_at(last, self.connections.shutdown()).await.is_err() {
            tracing::warn!("closing connections that are still busy");
        }
        // The directories of cancelled runs: what is left of them is removed at the next start.
        let _ = timeout_at(last, admission.empty()).await;
    }

    /// Takes connections as long as it is polled.
    async fn accept(&self) -> Infallible {
        let doors = self.doors.iter();
        select_all(doors.map(|door| Box::pin(self.accept_at(door))))
            .await
            .0
    }

    async fn accept_at(&self, door: &Door) -> Infallible {
        loop {
            let (stream, peer) = match door.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            // Only now: while nobody else wants to connect, idle connections may stay.
            let place = door.connections.admit().await;
            // Answers are written in one piece: waiting to send more of them together only delays. It
            // works without, too.
            let _ = stream.set_nodelay(true);
            let (http, service) = (self.http.clone(), door.service.clone());
            let activity = place.activity();
            let service = service_fn(move |mut request: Request<Incoming>| {
                let inside = activity.request();
                request.extensions_mut().insert(Peer(peer.ip()));
                let response = service.call(request);
                async move {
                    let response = response.await?;
                    Ok::<_, Infallible>(response.map(|body| inside.until_end_of(body)))
                }
            });
            let activity = place.activity();
            let answer_timeout = self.app.config.request.answer_timeout;
            let watcher = self.connections.watcher();
            let open = self.app.metrics.connection();
            let served = self.workers.spawn(stream, async move |stream| {
                let stream = Impatient::new(stream, answer_timeout, activity);
                let connection = http.serve_connection(TokioIo::new(stream), service);
                tokio::select! {
                    // A request that has arrived counts more than the place.
                    biased;
                    // An error here is a client that left, or was too slow, or does not speak HTTP.
                    served = watcher.watch(connection) => if let Err(error) = served {
                        tracing::debug!(%error, "connection");
                    },
                    () = place.closed() => {
                        tracing::debug!("an idle connection makes room for another");
                    }
                }
                drop((place, open));
            });
            if let Err(error) = served {
                tracing::warn!(%error, "cannot serve a connection");
            }
        }
    }
}
