//! Threads that remove the directories of runs that are over.

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::directory::Directory;
use super::tree;
use crate::system;

/// How many directories are removed at once. The permits bound how many wait for it.
const THREADS: usize = 2;

/// A value that a run holds until nothing of it is left. It is only ever dropped.
pub type Permit = Box<dyn Send>;

/// Removes directories in the background, in order.
pub struct Remover {
    queue: Option<Sender<Leftover>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// A directory of a run that is over.
struct Leftover {
    name: CString,
    /// Of the run. Without it, runs could leave directories faster than they are removed.
    _permit: Option<Permit>,
}

impl Remover {
    /// Starts the threads, which remove what is in `directory`.
    ///
    /// # Errors
    /// When the system has no threads for it.
    pub fn start(directory: &Arc<Directory>) -> io::Result<Self> {
        let (queue, leftovers) = mpsc::channel();
        let leftovers = Arc::new(Mutex::new(leftovers));
        let mut remover = Self {
            queue: Some(queue),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        for _ in 0..THREADS {
            let (directory, leftovers) = (Arc::clone(directory), Arc::clone(&leftovers));
            remover.spawn("remover", move |stop| {
                remove_all(&directory, &leftovers, stop)
            })?;
        }
        Ok(remover)
    }

    /// Has one more thread do `work`, which must end soon after its argument has been set.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce(&AtomicBool) + Send + 'static,
    ) -> io::Result<()> {
        let stop = Arc::clone(&self.stop);
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            system::lower_priority();
            work(&stop);
        })?;
        self.threads.push(thread);
        Ok(())
    }

    /// Removes the directory `name` and drops `permit` thereafter.
    pub fn remove(&self, name: CString, permit: Option<Permit>) {
        let leftover = Leftover {
            name,
            _permit: permit,
        };
        if let Some(queue) = &self.queue {
            // The threads take from the queue as long as it exists.
            let _ = queue.send(leftover);
        }
    }
}

impl Drop for Remover {
    /// Does not wait for what is in the queue: a process that ends must not take long.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.queue.take());
        for thread in self.threads.drain(..) {
            // Nothing in there panics, and there would be nothing to do about it.
            let _ = thread.join();
        }
    }
}

fn remove_all(directory: &Directory, leftovers: &Mutex<Receiver<Leftover>>, stop: &AtomicBool) {
    let next = || {
        let leftovers = leftovers.lock().unwrap_or_else(PoisonError::into_inner);
        leftovers.recv()
    };
    while let Ok(leftover) = next() {
        if stop.load(Ordering::Relaxed) {
            continue;
        }
        if let Err(error) = tree::remove(directory.as_fd(), &leftover.name, stop)
            && error.kind() != io::ErrorKind::Interrupted
        {
            let name = leftover.name.to_string_lossy();
            let path = directory.path().join(&*name);
            tracing::warn!(%error, path = %path.display(), "cannot remove a directory");
        }
    }
}
