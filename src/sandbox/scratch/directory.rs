//! The directory of one process: it holds those of the runs, and a lock as long as the process lives.
//!
//! Others may write to the directory that all of these are in, such as `/tmp`. So one is only taken for a
//! leftover of ours if it is a real directory that nobody else can have made or can write to.

use std::ffi::{CStr, CString};
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, RawMode, Stat, fstat, open, openat, renameat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::tree::{self, open_directory};

/// How the names of our directories start, so that leftovers can be told from other things.
const PREFIX: &str = "python-executor-";
/// For this user alone.
const MODE: RawMode = 0o700;
/// The part of a mode that says who may do what. The others are inherited in some places.
const ACCESS: RawMode = 0o777;
/// Locked as long as the process lives.
const LOCK: &CStr = c"lock";
/// Its name until it is locked.
const NEW_LOCK: &CStr = c"new-lock";

/// A process's directory.
pub struct Directory {
    root: OwnedFd,
    name: CString,
    path: PathBuf,
    directory: OwnedFd,
    _lock: File,
}

impl Directory {
    /// Makes the directory of this process in `root`.
    ///
    /// # Errors
    /// When it cannot be made there.
    pub fn make(root: &Path) -> io::Result<Self> {
        let path = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(MODE))
            .tempdir_in(root)?;
        let root = open_root(root)?;
        let name = path.path().file_name().unwrap_or_default();
        let name = CString::new(name.as_bytes())?;
        let directory = open_directory(&root, &name)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDONLY | OFlags::CLOEXEC;
        let lock = openat(&directory, NEW_LOCK, flags, Mode::RUSR | Mode::WUSR)?;
        let lock = File::from(lock);
        // It gets its name when it is locked: a sweep in between takes no directory without one.
        lock.lock()?;
        renameat(&directory, NEW_LOCK, &directory, LOCK)?;
        Ok(Self {
            root,
            name,
            path: path.keep(),
            directory,
            _lock: lock,
        })
    }

    /// For messages, and for those who cannot open by descriptor.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

impl Drop for Directory {
    /// Removes the directory, unless something has been left in it. Then the lock stays, too, because
    /// the next process only takes a directory that has one.
    fn drop(&mut self) {
        let path = self.path.display();
        match is_empty(&self.directory) {
            Ok(true) => report(self, remove_locked(&self.root, &self.name, &self.directory)),
            Ok(false) => tracing::info!(%path, "left a directory for the next start to remove"),
            Err(error) => report(self, Err(error)),
        }
    }
}

fn report(directory: &Directory, removed: io::Result<()>) {
    if let Err(error) = removed {
        tracing::warn!(%error, path = %directory.path.display(), "cannot remove a directory");
    }
}

/// Removes the directories in `root` whose processes are gone, until `stop` is set.
pub fn sweep(root: &Path, stop: &AtomicBool) {
    let opened = open_root(root).and_then(|directory| Ok((ours_in(&directory)?, directory)));
    let (names, directory) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!(%error, path = %root.display(), "cannot look for old directories");
            return;
        }
    };
    for name in names {
        let removed = match abandoned(&directory, &name) {
            Some((leftover, _lock)) => remove_leftover(&directory, &name, leftover, stop),
            None => continue,
        };
        let path = root.join(&*name.to_string_lossy());
        match removed {
            Ok(()) => tracing::info!(path = %path.display(), "removed an old directory"),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "cannot remove an old directory");
            }
        }
    }
}

/// The names in `root` that begin like ours.
fn ours_in(root: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(root)? {
        let entry = entry?;
        if entry.file_name().to_bytes().starts_with(PREFIX.as_bytes()) {
            names.push(entry.file_name().to_owned());
        }
    }
    Ok(names)
}

/// The directory `name` in `root` and its lock, if it is one of ours whose process is gone.
fn abandoned(root: &OwnedFd, name: &CStr) -> Option<(OwnedFd, File)> {
    let directory = open_directory(root, name).ok()?;
    if !is_ours(&directory) {
        return None;
    }
    // Opening must not wait for anything. One that is just being made has no lock yet.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let lock = openat(&directory, LOCK, flags, Mode::empty()).ok()?;
    if file_type(&fstat(&lock).ok()?) != FileType::RegularFile {
        return None;
    }
    let lock = File::from(lock);
    lock.try_lock().ok()?;
    Some((directory, lock))
}

fn remove_leftover(
    root: &OwnedFd,
    name: &CStr,
    leftover: OwnedFd,
    stop: &AtomicBool,
) -> io::Result<()> {
    tree::empty(leftover.try_clone()?, Some(LOCK), stop)?;
    remove_locked(root, name, &leftover)
}

/// Removes a directory that holds nothing but its lock.
fn remove_locked(root: &OwnedFd, name: &CStr, directory: &OwnedFd) -> io::Result<()> {
    for (parent, name, flags) in [
        (directory, LOCK, AtFlags::empty()),
        (root, name, AtFlags::REMOVEDIR),
    ] {
        match unlinkat(parent, name, flags) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether there is nothing in a directory but its lock.
fn is_empty(directory: &OwnedFd) -> io::Result<bool> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if ![c".", c"..", LOCK].contains(&entry.file_name()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The directory that the operator has named. It may be a link.
fn open_root(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?)
}

/// Whether only this user can have made a directory, and only this user can change it.
fn is_ours(directory: &OwnedFd) -> bool {
    fstat(directory)
        .is_ok_and(|stat| stat.st_uid == geteuid().as_raw() && stat.st_mode & ACCESS == MODE)
}

fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

#[cfg(test)]
mod tests;
