//! Connections: accepts them, bounds what each may take, and sees them off at the end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::access::Peer;
use super::workers::Workers;
use super::{App, router};

/// Bytes the head of a request may have; also the size of the read buffer.
const HEAD_LIMIT: usize = 64 << 10;
/// A client that takes nothing of its answer for this many milliseconds is gone.
#[cfg(target_os = "linux")]
const WRITE_TIMEOUT_MS: u32 = 30_000;
/// Pause after the system refused a connection, for lack of descriptors for instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// When the grace is over, how long the last answers may take to be sent.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What serves connections.
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    http: http1::Builder,
    service: TowerToHyperService<axum::Router>,
    connections: GracefulShutdown,
    seats: Arc<Semaphore>,
    workers: Workers,
}

impl Server {
    /// Gets ready for the connections of `listener`.
    ///
    /// # Errors
    /// When there are no threads for them.
    pub fn new(listener: TcpListener, app: App) -> io::Result<Self> {
        let app = Arc::new(app);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(app.config.request.header_timeout)
            .max_buf_size(HEAD_LIMIT);
        Ok(Self {
            listener,
            http,
            service: TowerToHyperService::new(router(Arc::clone(&app))),
            connections: GracefulShutdown::new(),
            seats: Arc::new(Semaphore::new(app.config.capacity.connections as usize)),
            workers: Workers::start()?,
            app,
        })
    }

    /// Serves until `shutdown` resolves, then sees those inside off.
    ///
    /// While they finish, new requests are still answered: with 503, so that a load balancer that has
    /// not heard yet gets an answer that it can act on. What has not finished within the grace period
    /// is cancelled and answered 503 as well.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            never = self.accept() => match never {},
            () = shutdown => {}
        }
        let deadline = Instant::now() + self.app.config.service.shutdown_grace;
        let admission = &self.app.admission;

        admission.drain();
        tracing::info!("shutting down");
        tokio::select! {
            never = self.accept() => match never {},
            () = admission.empty() => {}
            () = sleep_until(deadline) => tracing::warn!("cancelling runs: the grace period is over"),
        }

        admission.close();
        // From here on a connection is better refused than left without an answer.
        drop(self.listener);
        let last = deadline.max(Instant::now() + LAST_WORDS);
        if timeout_at(last, self.connections.shutdown()).await.is_err() {
            tracing::warn!("closing connections that are still busy");
        }
    }

    /// Takes connections as long as it is polled.
    async fn accept(&self) -> Infallible {
        loop {
            // Nobody closes the semaphore, so there is always a seat in the end.
            let seat = Arc::clone(&self.seats).acquire_owned().await;
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            tune(&stream);
            let (http, service) = (self.http.clone(), self.service.clone());
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer.ip()));
                service.call(request)
            });
            let watcher = self.connections.watcher();
            let served = self.workers.spawn(stream, async move |stream| {
                let connection = http.serve_connection(TokioIo::new(stream), service);
                // An error here is a client that left, or was too slow, or does not speak HTTP.
                if let Err(error) = watcher.watch(connection).await {
                    tracing::debug!(%error, "connection");
                }
                drop(seat);
            });
            if let Err(error) = served {
                tracing::warn!(%error, "cannot serve a connection");
            }
        }
    }
}

/// Options that make the connection better; without them it still works.
fn tune(stream: &TcpStream) {
    // Answers are written in one piece: waiting to send more of them together only delays.
    let _ = stream.set_nodelay(true);
    // The kernel gives up on clients that do not read their answer.
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, WRITE_TIMEOUT_MS);
}
