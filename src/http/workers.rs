//! The threads that serve connections: one per core, each with a runtime of its own.
//!
//! In a multi-threaded runtime each request wakes a second thread, for a timer or to steal work. These
//! two context switches take a good part of the time of a short script. Here a connection and
//! everything that belongs to it stay on one thread.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// All threads. Dropping them cancels the tasks that still run there.
pub(super) struct Workers(Vec<Worker>);

struct Worker {
    runtime: Handle,
    /// Has one reference per connection, and one more.
    load: Arc<()>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub(super) fn start() -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        (0..cores)
            .map(|_| Worker::start())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Serves a connection on the thread that has the fewest of them.
    ///
    /// # Errors
    /// When the connection cannot be registered with that thread's runtime.
    pub(super) fn spawn<F>(
        &self,
        connection: TcpStream,
        serve: impl FnOnce(TcpStream) -> F,
    ) -> io::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let least_loaded = self
            .0
            .iter()
            .min_by_key(|worker| Arc::strong_count(&worker.load));
        let worker = least_loaded.ok_or(io::ErrorKind::NotFound)?;
        let connection = connection.into_std()?;
        let _entered = worker.runtime.enter();
        let served = serve(TcpStream::from_std(connection)?);
        let load = Arc::clone(&worker.load);
        worker.runtime.spawn(async move {
            served.await;
            drop(load);
        });
        Ok(())
    }
}

impl Worker {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("http".into()).spawn(move || {
            // An error means that the sender was dropped, which stops the thread, too.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self {
            runtime: handle,
            load: Arc::default(),
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.0 {
            drop(worker.stop.take());
        }
        for worker in &mut self.0 {
            // An error means that the thread panicked, about which nothing can be done here.
            let _ = worker.thread.take().map(JoinHandle::join);
        }
    }
}
