//! The directories that runs may write to. Each is removed when its run is over.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

/// How the names of our directories start, so that leftovers can be told from other things.
const PREFIX: &str = "python-executor-";

/// In each process's directory; locked as long as the process lives.
const LOCK: &str = "lock";

/// Makes scratch directories, all in one directory of this process.
pub struct ScratchRoot(Arc<Root>);

struct Root {
    _lock: File,
    directory: PathBuf,
}

impl ScratchRoot {
    /// Makes the process's directory in `root`, or in the system's directory for temporary files,
    /// and removes those of processes that were killed.
    ///
    /// # Errors
    /// When no directory can be made there.
    pub fn new(root: Option<&Path>) -> Result<Self> {
        let root = root.map_or_else(std::env::temp_dir, Path::to_owned);
        sweep(&root);
        let make = || -> io::Result<Root> {
            let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&root)?;
            // It appears when it is locked: whoever sweeps in between takes none that is not.
            let new = directory.path().join("new-lock");
            let lock = File::create(&new)?;
            lock.lock()?;
            fs::rename(new, directory.path().join(LOCK))?;
            Ok(Root {
                _lock: lock,
                directory: directory.keep(),
            })
        };
        let made = make().with_context(|| {
            format!(
                "{} cannot hold temporary directories (TEMP_ROOT)",
                root.display()
            )
        })?;
        Ok(Self(Arc::new(made)))
    }

    /// A directory for one run, which does not exist yet.
    pub fn later(&self) -> Scratch {
        Scratch {
            directory: None,
            root: Arc::clone(&self.0),
        }
    }
}

/// One run's directory, once it is wanted.
pub struct Scratch {
    directory: Option<PathBuf>,
    root: Arc<Root>,
}

impl Scratch {
    /// Makes the directory unless it is there: empty, and only for this process. Gives its path.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn make(&mut self) -> io::Result<&Path> {
        let directory = match self.directory.take() {
            Some(directory) => directory,
            None => tempfile::Builder::new()
                .prefix("run-")
                .tempdir_in(&self.root.directory)?
                .keep(),
        };
        Ok(self.directory.insert(directory))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Some(directory) = self.directory.take() else {
            return;
        };
        let root = Arc::clone(&self.root);
        let remove = move || {
            report(&directory, remove(&directory));
            drop(root);
        };
        // A thousand files take a while to remove; whoever runs next should not wait for that.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        report(&self.directory, remove_all(&self.directory));
    }
}

/// What cannot be removed stays.
fn report(directory: &Path, removed: io::Result<()>) {
    if let Err(error) = removed {
        tracing::warn!(%error, path = %directory.display(), "cannot remove a directory");
    }
}

/// Removes a run's directory, which can be a thousand levels deep. What `fs::remove_dir_all` is inside
/// of it keeps open, and a few such runs would leave no descriptor to others; here directories are
/// moved beside the first one, to be emptied in their turn.
fn remove(directory: &Path) -> io::Result<()> {
    let beside = |number: usize| {
        let mut path = directory.as_os_str().to_owned();
        path.push(format!(".{number}"));
        PathBuf::from(path)
    };
    let (mut moved, mut emptied) = (0, 0);
    let mut current = directory.to_owned();
    loop {
        for entry in fs::read_dir(&current)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::rename(entry.path(), beside(moved))?;
                moved += 1;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        fs::remove_dir(&current)?;
        if emptied == moved {
            return Ok(());
        }
        current = beside(emptied);
        emptied += 1;
    }
}

/// Removes a process's directory with those of its runs.
fn remove_all(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir_all(directory)
}

/// Removes the directories in `root` whose processes are gone.
fn sweep(root: &Path) {
    for path in leftovers(root) {
        report(&path, remove_all(&path));
    }
}

fn leftovers(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let abandoned = |path: &PathBuf| match File::open(path.join(LOCK)) {
        // One that is just being made has no lock yet.
        Ok(lock) => !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    };
    ours.map(|entry| entry.path()).filter(abandoned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_there_from_when_it_is_made_until_its_run_is_over() -> Result<()> {
        let root = tempfile::tempdir()?;
        let scratches = ScratchRoot::new(Some(root.path()))?;
        let own = scratches.0.directory.clone();
        let runs = || Ok::<_, std::io::Error>(fs::read_dir(&own)?.count() - 1);
        let (mut one, mut other) = (scratches.later(), scratches.later());
        assert_eq!(runs()?, 0);
        assert_ne!(one.make()?, other.make()?);
        fs::write(one.make()?.join("file"), "text")?;
        drop(one);
        assert_eq!(runs()?, 1);
        drop(other);
        assert_eq!(runs()?, 0);
        Ok(())
    }

    #[test]
    fn what_is_deep_is_removed_and_nothing_beside_it() -> Result<()> {
        let root = tempfile::tempdir()?;
        let (other, directory) = (root.path().join("run-other"), root.path().join("run-deep"));
        fs::create_dir(&other)?;
        for branch in ["one", "other/0", "other/1"] {
            let mut path = directory.join(branch);
            for level in 0..100 {
                fs::create_dir_all(&path)?;
                fs::write(path.join("file"), "text")?;
                path = path.join(level.to_string());
            }
        }
        remove(&directory)?;
        assert!(other.exists());
        assert_eq!(fs::read_dir(root.path())?.count(), 1);
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
        let alive = ScratchRoot::new(Some(root.path()))?;
        let _second = ScratchRoot::new(Some(root.path()))?;
        assert!(!abandoned.exists());
        assert!(without_lock.exists() && foreign.exists());
        assert!(alive.0.directory.exists());
        Ok(())
    }

    #[test]
    fn processes_that_start_together_leave_each_other_alone() -> Result<()> {
        let root = tempfile::tempdir()?;
        let start = || -> Result<()> {
            for _ in 0..100 {
                let alive = ScratchRoot::new(Some(root.path()))?;
                alive.later().make()?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let starting: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
            starting
                .into_iter()
                .try_for_each(|one| one.join().map_err(|_| anyhow::anyhow!("it panicked"))?)
        })
    }
}
