//! The threads that serve connections, one for each core and each with a runtime of its own.
//!
//! In a runtime of several threads each request wakes a second one, for a timer or for work that it
//! might share: two switches that cost as much as a good part of a short script. Here a connection and
//! all that belongs to it stay on their thread, which nobody else disturbs.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// All threads; dropping them ends what still runs there.
pub(super) struct Workers(Vec<Worker>);

struct Worker {
    runtime: Handle,
    /// As many owners as connections, and one more.
    load: Arc<()>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn start() -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        (0..cores)
            .map(|_| Worker::start())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Has a connection served by the thread that has the fewest of them.
    ///
    /// # Errors
    /// When the system does not let the connection move there.
    pub(super) fn spawn<F>(
        &self,
        connection: TcpStream,
        serve: impl FnOnce(TcpStream) -> F,
    ) -> io::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let idlest = self
            .0
            .iter()
            .min_by_key(|worker| Arc::strong_count(&worker.load));
        let worker = idlest.ok_or(io::ErrorKind::NotFound)?;
        let connection = connection.into_std()?;
        let _there = worker.runtime.enter();
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
            // Whether it is told to stop or has been forgotten.
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
            // Its tasks cannot make the thread panic, and there would be nothing to do about it.
            let _ = worker.thread.take().map(JoinHandle::join);
        }
    }
}
