//! The directories that runs may write to. Each is removed when its run is over.
//!
//! Making and removing a directory costs more than a short run does, and most scripts open no file.
//! So a directory that a run has left as it was serves the next one.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// How the names of our directories start, so that leftovers can be told from other things.
const PREFIX: &str = "python-executor-";

/// In each process's directory; locked as long as the process lives.
const LOCK: &str = "lock";

/// Makes scratch directories, all in one directory of this process.
pub struct ScratchPool(Arc<Shared>);

struct Shared {
    /// Declared before the directory: the lock goes first.
    _lock: File,
    directory: TempDir,
    unused: Mutex<Vec<TempDir>>,
}

impl ScratchPool {
    /// Makes the process's directory in `root`, or in the system's directory for temporary files,
    /// and removes those of processes that were killed.
    ///
    /// # Errors
    /// When no directory can be made there.
    pub fn new(root: Option<&Path>) -> Result<Self> {
        let root = root.map_or_else(std::env::temp_dir, Path::to_owned);
        sweep(&root);
        let make = || -> std::io::Result<Shared> {
            let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&root)?;
            let lock = File::create(directory.path().join(LOCK))?;
            lock.lock()?;
            Ok(Shared {
                _lock: lock,
                directory,
                unused: Mutex::default(),
            })
        };
        let shared = make().with_context(|| {
            format!(
                "{} cannot hold temporary directories (TEMP_ROOT)",
                root.display()
            )
        })?;
        Ok(Self(Arc::new(shared)))
    }

    /// An empty directory that only this process may use.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn take(&self) -> std::io::Result<Scratch> {
        let unused = self
            .0
            .unused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let directory = match unused {
            Some(directory) => directory,
            None => tempfile::Builder::new()
                .prefix("run-")
                .tempdir_in(self.0.directory.path())?,
        };
        Ok(Scratch {
            directory: Some(directory),
            pool: Arc::clone(&self.0),
        })
    }
}

/// One run's directory.
pub struct Scratch {
    directory: Option<TempDir>,
    pool: Arc<Shared>,
}

impl Scratch {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.as_ref().map_or(Path::new(""), TempDir::path)
    }

    /// Gives it back as it was taken: nothing in it or about it has changed.
    pub fn give_back(mut self) {
        if let Some(directory) = self.directory.take() {
            self.pool
                .unused
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(directory);
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Some(directory) = self.directory.take() else {
            return;
        };
        // A thousand files take a while to remove; whoever runs next should not wait for that.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(directory))),
            Err(_) => drop(directory),
        }
    }
}

/// Removes the directories in `root` whose processes are gone. What cannot be removed stays.
fn sweep(root: &Path) {
    for path in leftovers(root) {
        if let Err(error) = fs::remove_dir_all(&path) {
            tracing::warn!(%error, path = %path.display(), "cannot remove a leftover directory");
        }
    }
}

fn leftovers(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let abandoned = |path: &PathBuf| match File::open(path.join(LOCK)) {
        // One that is just being made has no lock yet, or it is locked.
        Ok(lock) => !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    };
    ours.map(|entry| entry.path()).filter(abandoned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_serves_again_only_when_given_back() -> Result<()> {
        let root = tempfile::tempdir()?;
        let pool = ScratchPool::new(Some(root.path()))?;
        let scratch = pool.take()?;
        let first = scratch.path().to_owned();
        scratch.give_back();
        let scratch = pool.take()?;
        assert_eq!(scratch.path(), first);
        fs::write(first.join("file"), "text")?;
        drop(scratch);
        assert!(!first.exists());
        assert_ne!(pool.take()?.path(), first);
        Ok(())
    }

    #[test]
    fn only_what_nobody_holds_is_swept() -> Result<()> {
        let root = tempfile::tempdir()?;
        let abandoned = root.path().join(format!("{PREFIX}abandoned"));
        let without_lock = root.path().join(format!("{PREFIX}new"));
        let foreign = root.path().join("other");
        for directory in [&abandoned, &without_lock, &foreign] {
            fs::create_dir(directory)?;
        }
        for directory in [&abandoned, &foreign] {
            fs::write(directory.join(LOCK), "")?;
        }
        let alive = ScratchPool::new(Some(root.path()))?;
        let _second = ScratchPool::new(Some(root.path()))?;
        assert!(!abandoned.exists());
        assert!(without_lock.exists() && foreign.exists());
        assert!(alive.0.directory.path().exists());
        Ok(())
    }
}
