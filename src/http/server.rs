//! Connections: accepts them, bounds the resources of each, and drains them at shutdown.

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
use super::app::App;
use super::idle::Connections;
use super::router::{admin_routes, main_routes};
use super::workers::Workers;
use super::write_timeout::WriteTimeout;

/// Bytes of a request head; also the size of the read buffer.
const MAX_HEAD: usize = 64 << 10;
/// Connections to the admin listener: a few probes and scrapers.
const MAX_ADMIN_CONNECTIONS: u32 = 64;
/// Pause after a failed `accept`, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time for writing the last responses after the grace period.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The sockets of the service.
pub struct Listeners {
    /// For clients.
    pub main: TcpListener,
    /// For operators, if they have a listener of their own.
    pub admin: Option<TcpListener>,
}

/// The server of all connections.
pub struct Server {
    app: Arc<App>,
    listeners: Vec<Listener>,
    http: http1::Builder,
    connections: GracefulShutdown,
    workers: Workers,
}

/// A listener with its routes and its connections.
struct Listener {
    socket: TcpListener,
    service: TowerToHyperService<Router>,
    connections: Arc<Connections>,
}

impl Listener {
    fn new(socket: TcpListener, routes: Router, max_connections: u32) -> Self {
        Self {
            socket,
            service: TowerToHyperService::new(routes),
            connections: Connections::new(max_connections),
        }
    }
}

impl Server {
    /// Builds a server for `sockets`, and starts its threads.
    ///
    /// # Errors
    /// When the threads cannot be started, or a document of the service cannot be written.
    pub fn new(sockets: Listeners, app: App) -> anyhow::Result<Self> {
        let app = Arc::new(app);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(app.config.request.header_timeout)
            .max_buf_size(MAX_HEAD);
        let routes = main_routes(&app, sockets.main.local_addr()?.ip())?;
        let max_connections = app.config.capacity.connections;
        let mut listeners = vec![Listener::new(sockets.main, routes, max_connections)];
        if let Some(socket) = sockets.admin {
            let routes = admin_routes(&app, socket.local_addr()?.ip());
            listeners.push(Listener::new(socket, routes, MAX_ADMIN_CONNECTIONS));
        }
        Ok(Self {
            listeners,
            http,
            connections: GracefulShutdown::new(),
            workers: Workers::start()?,
            app,
        })
    }

    /// Serves until `shutdown` resolves, then shuts down in three phases.
    ///
    /// First the service only reports that it is not ready, so that load balancers stop sending
    /// requests. Then it drains: running requests finish, new ones get a 503, which a load balancer can
    /// retry elsewhere. Requests that have not finished within the grace period are cancelled and get a
    /// 503 as well.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            never = self.accept() => match never {},
            () = shutdown => {}
        }
        let admission = &self.app.admission;
        let settings = &self.app.config.service;

        admission.stop_advertising();
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
            () = admission.drained() => {}
            () = sleep_until(deadline) => tracing::warn!("cancelling runs: the grace period is over"),
        }

        admission.abort();
        // A refused connection is better than one without a response.
        drop(self.listeners);
        let last = deadline.max(Instant::now() + FLUSH_TIMEOUT);
        if timeout_at(last, self.connections.shutdown()).await.is_err() {
            tracing::warn!("closing connections that are still busy");
        }
        // Time to remove the directories of cancelled runs; the next start removes the rest.
        let _ = timeout_at(last, admission.drained()).await;
    }

    /// Accepts connections of all listeners while it is polled.
    async fn accept(&self) -> Infallible {
        let listeners = self.listeners.iter();
        select_all(listeners.map(|listener| Box::pin(self.accept_from(listener))))
            .await
            .0
    }

    async fn accept_from(&self, listener: &Listener) -> Infallible {
        loop {
            let (stream, peer) = match listener.socket.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            // After accepting: idle connections stay open until another client connects.
            let permit = listener.connections.admit().await;
            // Responses are written in one piece, which Nagle's algorithm would only delay. A failure
            // does not matter.
            let _ = stream.set_nodelay(true);
            let (http, service) = (self.http.clone(), listener.service.clone());
            let activity = permit.activity();
            let service = service_fn(move |mut request: Request<Incoming>| {
                let busy = activity.request();
                request.extensions_mut().insert(Peer(peer.ip()));
                let response = service.call(request);
                async move {
                    let response = response.await?;
                    Ok::<_, Infallible>(response.map(|body| busy.until_end_of(body)))
                }
            });
            let activity = permit.activity();
            let write_timeout = self.app.config.request.answer_timeout;
            let watcher = self.connections.watcher();
            let open = self.app.metrics.connection();
            let served = self.workers.spawn(stream, async move |stream| {
                let stream = WriteTimeout::new(stream, write_timeout, activity);
                let connection = http.serve_connection(TokioIo::new(stream), service);
                tokio::select! {
                    // A request that has arrived takes precedence over closing the connection.
                    biased;
                    // The client disconnected, was too slow, or did not speak HTTP.
                    served = watcher.watch(connection) => if let Err(error) = served {
                        tracing::debug!(%error, "connection");
                    },
                    () = permit.closed() => {
                        tracing::debug!("closed an idle connection to accept another");
                    }
                }
                drop((permit, open));
            });
            if let Err(error) = served {
                tracing::warn!(%error, "cannot serve a connection");
            }
        }
    }
}
