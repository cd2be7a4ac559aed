//! Removal of directory trees through descriptors.
//!
//! Each directory is opened relative to the one that holds it and never through a symbolic link, and each
//! entry is removed relative to its directory: a tree that changes meanwhile cannot lead out of itself. A
//! run's tree can be a thousand levels deep, so nothing here recurses or holds a descriptor for each level.

use std::ffi::{CStr, CString};
use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags, fstat, openat, statat, unlinkat};
use rustix::io::Errno;

/// The size of a directory that is removed at once: that takes less time than to hand it to another thread.
const FEW_ENTRIES: usize = 8;
const SMALL_FILE: u64 = 1 << 20;

/// Opens the directory `name` in `parent`; a symbolic link is an error.
pub fn open_directory(parent: impl AsFd, name: &CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// Removes the directory `name` in `parent` with everything in it. A directory that is gone is no error.
///
/// # Errors
/// The first one, or that `stop` has been set. Whatever else can be removed is removed after an error.
pub fn remove(parent: BorrowedFd<'_>, name: &CStr, stop: &AtomicBool) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        other => return unless_gone(other),
    }
    empty(open_directory(parent, name)?, None, stop)?;
    unless_gone(unlinkat(parent, name, AtFlags::REMOVEDIR))
}

/// Removes the directory `name` in `parent` if it has few entries, all of them small. Returns whether it
/// is gone.
pub fn remove_small(parent: BorrowedFd<'_>, name: &CStr) -> bool {
    match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) => true,
        Err(Errno::NOTEMPTY | Errno::EXIST) => {
            let removed =
                open_directory(parent, name).and_then(|directory| empty_small(&directory));
            removed.is_ok() && unlinkat(parent, name, AtFlags::REMOVEDIR).is_ok()
        }
        Err(_) => false,
    }
}

fn empty_small(directory: &OwnedFd) -> io::Result<()> {
    let mut small = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_large = u64::try_from(stat.st_size).is_ok_and(|size| size > SMALL_FILE);
        if is_large || small.len() == FEW_ENTRIES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let flags = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => AtFlags::REMOVEDIR,
            _ => AtFlags::empty(),
        };
        small.push((name.to_owned(), flags));
    }
    for (name, flags) in small {
        unlinkat(directory, &*name, flags)?;
    }
    Ok(())
}

/// Removes everything in `directory` but its entry `kept`.
///
/// # Errors
/// The first one, or that `stop` has been set. Whatever else can be removed is removed after an error.
pub fn empty(directory: OwnedFd, kept: Option<&CStr>, stop: &AtomicBool) -> io::Result<()> {
    let mut removal = Removal::begin(directory, kept, stop);
    while removal.step()? {}
    match removal.failure {
        Some(failure) => Err(failure.into()),
        None => Ok(()),
    }
}

/// A removal under way.
struct Removal<'a> {
    stop: &'a AtomicBool,
    /// The directory that is being emptied. Nothing is left in it but `pending` and what failed.
    current: OwnedFd,
    /// Directories in `current` that are not empty.
    pending: Vec<CString>,
    /// The directories that hold `current`, the innermost last.
    above: Vec<Level>,
    failure: Option<Errno>,
}

/// A directory to which a removal will return.
struct Level {
    identity: Identity,
    /// Of the directory below it that is being emptied.
    name: CString,
    pending: Vec<CString>,
}

/// Tells a directory from all others, wherever it has been moved: device and inode.
type Identity = (u64, u64);

impl<'a> Removal<'a> {
    fn begin(directory: OwnedFd, kept: Option<&CStr>, stop: &'a AtomicBool) -> Removal<'a> {
        let mut removal = Self {
            stop,
            current: directory,
            pending: Vec::new(),
            above: Vec::new(),
            failure: None,
        };
        removal.scan(kept);
        removal
    }

    /// Empties one more directory, or returns from one. Nothing is left to do after `false`.
    fn step(&mut self) -> io::Result<bool> {
        if self.is_stopped() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if let Some(name) = self.pending.pop() {
            match open_directory(&self.current, &name) {
                Ok(below) => self.enter(name, below)?,
                Err(error) => self.fail(error),
            }
            return Ok(true);
        }
        match self.above.pop() {
            Some(level) => self.leave(level).map(|()| true),
            None => Ok(false),
        }
    }

    fn enter(&mut self, name: CString, below: OwnedFd) -> io::Result<()> {
        self.above.push(Level {
            identity: identity(&self.current)?,
            name,
            pending: mem::take(&mut self.pending),
        });
        self.current = below;
        self.scan(None);
        Ok(())
    }

    fn leave(&mut self, level: Level) -> io::Result<()> {
        let parent = open_directory(&self.current, c"..")?;
        if identity(&parent)? != level.identity {
            return Err(io::Error::other(
                "a directory was moved while it was removed",
            ));
        }
        if let Err(error) = unless_gone(unlinkat(&parent, &level.name, AtFlags::REMOVEDIR)) {
            self.fail(error);
        }
        self.current = parent;
        self.pending = level.pending;
        Ok(())
    }

    /// Removes all files and empty directories of the current directory; the others are pending then.
    fn scan(&mut self, kept: Option<&CStr>) {
        let entries = match Dir::read_from(&self.current) {
            Ok(entries) => entries,
            Err(error) => return self.fail(error.into()),
        };
        for entry in entries {
            match entry {
                _ if self.is_stopped() => return,
                Ok(entry) if Some(entry.file_name()) != kept => self.remove_entry(&entry),
                Ok(_kept) => {}
                Err(error) => return self.fail(error.into()),
            }
        }
    }

    fn remove_entry(&mut self, entry: &DirEntry) {
        let name = entry.file_name();
        if name == c"." || name == c".." {
            return;
        }
        let flags = match entry.file_type() {
            FileType::Directory => AtFlags::REMOVEDIR,
            _ => AtFlags::empty(),
        };
        match unlinkat(&self.current, name, flags) {
            // Some file systems do not tell directories from files in a listing.
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::ISDIR) => {
                self.pending.push(name.to_owned())
            }
            removed => {
                if let Err(error) = unless_gone(removed) {
                    self.fail(error);
                }
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Keeps the first error: later ones mostly follow from it.
    fn fail(&mut self, error: io::Error) {
        let error = Errno::from_io_error(&error).unwrap_or(Errno::IO);
        self.failure.get_or_insert(error);
    }
}

fn identity(directory: &OwnedFd) -> io::Result<Identity> {
    let stat = fstat(directory)?;
    Ok((stat.st_dev, stat.st_ino))
}

fn unless_gone(removed: Result<(), Errno>) -> io::Result<()> {
    match removed {
        Err(Errno::NOENT) => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests;
