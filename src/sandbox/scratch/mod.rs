//! The directories that runs may write to. Nothing that a run leaves behind outlives its permit: it is
//! dropped when the run's directory is gone.
//!
//! | file | holds |
//! |---|---|
//! | `directory` | the directory of a process, and the sweep of those whose processes are gone |
//! | `exchange` | files that the host writes before a run and reads after it |
//! | `remover` | the threads that remove the directories of runs |
//! | `tree` | removal of a tree through descriptors |
//! | `storage` | whether the host can store what runs write |

mod directory;
mod exchange;
mod remover;
mod storage;
mod tree;

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use rustix::fs::{Mode, mkdirat};

use self::directory::Directory;
pub use self::remover::Permit;
use self::remover::Remover;
use self::storage::Storage;
pub use self::storage::Unavailable;
use super::files::{InputFile, OutputFile};

/// Makes scratch directories, all in one directory of this process.
pub struct ScratchRoot(Arc<Root>);

struct Root {
    /// Before the directory: it is removed when the threads have ended.
    remover: Remover,
    directory: Arc<Directory>,
    storage: Storage,
    made: AtomicU64,
}

impl ScratchRoot {
    /// Makes the process's directory in `root`, or in the system's directory for temporary files,
    /// and begins to remove those of processes that were killed.
    ///
    /// # Errors
    /// When no directory can be made there.
    pub fn new(root: Option<&Path>) -> Result<Self> {
        let root = root.map_or_else(std::env::temp_dir, Path::to_owned);
        let directory = Directory::make(&root).with_context(|| {
            format!(
                "{} cannot hold temporary directories (TEMP_ROOT)",
                root.display()
            )
        })?;
        let directory = Arc::new(directory);
        let mut remover = Remover::start(&directory)?;
        remover.spawn("sweep", move |stop| directory::sweep(&root, stop))?;
        Ok(Self(Arc::new(Root {
            remover,
            directory,
            storage: Storage::default(),
            made: AtomicU64::new(0),
        })))
    }

    /// Reserves a directory for one run, which is made when it is needed.
    pub fn reserve(&self) -> Scratch {
        Scratch {
            name: None,
            permit: None,
            root: Arc::clone(&self.0),
        }
    }

    /// Notes that a run could not write because of the host.
    pub fn failed(&self, why: &str) {
        self.0.storage.failed(why);
    }

    /// Whether runs can write `needed` bytes.
    ///
    /// # Errors
    /// When they cannot.
    pub fn check(&self, needed: u64) -> Result<(), Unavailable> {
        self.0.storage.check(&self.0.directory, needed)
    }
}

/// One run's directory, once it is wanted.
pub struct Scratch {
    name: Option<CString>,
    permit: Option<Permit>,
    root: Arc<Root>,
}

impl Scratch {
    /// Has `permit` dropped when the directory is gone.
    pub fn hold(&mut self, permit: Permit) {
        self.permit = Some(permit);
    }

    /// Writes `files` into the directory, which has been made. Returns the number of directories among its entries.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, files: &[InputFile]) -> io::Result<usize> {
        match self.open()? {
            Some(directory) => exchange::write(&directory, files),
            None => Ok(0),
        }
    }

    /// Reads the files in the directory that differ from `inputs`, up to `limit` bytes of contents in all.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn read(&self, inputs: &[InputFile], limit: usize) -> io::Result<Vec<OutputFile>> {
        match self.open()? {
            Some(directory) => exchange::read(&directory, inputs, limit),
            None => Ok(Vec::new()),
        }
    }

    fn open(&self) -> io::Result<Option<OwnedFd>> {
        let name = self.name.as_deref();
        name.map(|name| tree::open_directory(&*self.root.directory, name))
            .transpose()
    }

    /// Makes the directory: empty, and only for this process. Gives its path.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn make(&mut self) -> io::Result<PathBuf> {
        let number = self.root.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("run-{number}");
        let path = self.root.directory.path().join(&name);
        let name = CString::new(name)?;
        mkdirat(&*self.root.directory, &name, Mode::RWXU)?;
        self.name = Some(name);
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A client that sends its next script must mostly find the slot free.
        if let Some(name) = self.name.take()
            && !tree::remove_small(self.root.directory.as_fd(), &name)
        {
            self.root.remover.remove(name, self.permit.take());
        }
    }
}

#[cfg(test)]
mod tests;
