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

use rustix::fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags, fstat, openat, unlinkat};
use rustix::io::Errno;

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
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use anyhow::Result;
    use rustix::fs::{CWD, open};

    use super::*;

    static GO_ON: AtomicBool = AtomicBool::new(false);

    fn opened(path: &Path) -> Result<OwnedFd> {
        Ok(open(
            path,
            OFlags::RDONLY | OFlags::DIRECTORY,
            Mode::empty(),
        )?)
    }

    fn remove_all(parent: &Path, name: &CStr) -> Result<()> {
        Ok(remove(opened(parent)?.as_fd(), name, &GO_ON)?)
    }

    #[test]
    fn a_deep_tree_is_removed_with_few_descriptors_and_nothing_beside_it() -> Result<()> {
        let root = tempfile::tempdir()?;
        let (other, deep) = (root.path().join("other"), root.path().join("deep"));
        fs::create_dir(&other)?;
        for branch in ["one", "other/0", "other/1"] {
            let mut path = deep.join(branch);
            for level in 0..300 {
                fs::create_dir_all(&path)?;
                fs::write(path.join("file"), "text")?;
                path = path.join(level.to_string());
            }
        }
        let directory = opened(&deep)?;
        let mut removal = Removal::begin(directory, None, &GO_ON);
        let mut deepest = 0;
        while removal.step()? {
            deepest = deepest.max(removal.above.len());
        }
        assert!(removal.failure.is_none() && deepest >= 300, "{deepest}");
        remove_all(root.path(), c"deep")?;
        assert!(other.exists());
        assert_eq!(fs::read_dir(root.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn links_are_removed_and_not_followed() -> Result<()> {
        let root = tempfile::tempdir()?;
        let (victim, tree) = (root.path().join("victim"), root.path().join("tree"));
        fs::create_dir(&victim)?;
        fs::create_dir_all(tree.join("inner"))?;
        fs::write(victim.join("file"), "text")?;
        symlink(&victim, tree.join("inner/link"))?;
        symlink(victim.join("file"), tree.join("link"))?;
        remove_all(root.path(), c"tree")?;
        assert!(victim.join("file").exists() && !tree.exists());
        Ok(())
    }

    /// What a directory is when it is listed, it need not be when it is opened.
    #[test]
    fn a_directory_that_becomes_a_link_leads_nowhere() -> Result<()> {
        let root = tempfile::tempdir()?;
        let (victim, tree) = (root.path().join("victim"), root.path().join("tree"));
        for directory in ["victim", "tree/one", "tree/two", "tree/two/below"] {
            fs::create_dir_all(root.path().join(directory))?;
            fs::write(root.path().join(directory).join("file"), "text")?;
        }
        let mut removal = Removal::begin(opened(&tree)?, None, &GO_ON);
        let listed = mem::take(&mut removal.pending);
        assert_eq!(listed.len(), 2);
        fs::rename(tree.join("one"), root.path().join("aside"))?;
        symlink(&victim, tree.join("one"))?;
        removal.pending = listed;
        while removal.step()? {}
        assert!(removal.failure.is_some());
        assert!(
            victim.join("file").exists(),
            "it was reached through a link"
        );
        assert!(!tree.join("two").exists(), "the removal did not go on");
        Ok(())
    }

    #[test]
    fn a_directory_that_is_moved_leads_nowhere() -> Result<()> {
        let root = tempfile::tempdir()?;
        let victim = root.path().join("victim");
        for directory in ["victim/below", "tree/below"] {
            fs::create_dir_all(root.path().join(directory))?;
            fs::write(root.path().join(directory).join("file"), "text")?;
        }
        let mut removal = Removal::begin(opened(&root.path().join("tree"))?, None, &GO_ON);
        assert!(removal.step()?);
        fs::write(victim.join("below/file"), "text")?;
        fs::rename(root.path().join("tree/below"), victim.join("moved"))?;
        assert!(removal.step().is_err());
        assert!(victim.join("below/file").exists());
        Ok(())
    }

    #[test]
    fn what_cannot_be_removed_keeps_nothing_else() -> Result<()> {
        let root = tempfile::tempdir()?;
        for directory in ["tree/kept", "tree/other"] {
            fs::create_dir_all(root.path().join(directory))?;
            fs::write(root.path().join(directory).join("file"), "text")?;
        }
        let tree = opened(&root.path().join("tree"))?;
        empty(tree, Some(c"kept"), &GO_ON)?;
        assert!(root.path().join("tree/kept/file").exists());
        assert!(!root.path().join("tree/other").exists());
        Ok(())
    }

    #[test]
    fn a_removal_stops_when_asked_to() -> Result<()> {
        let root = tempfile::tempdir()?;
        fs::create_dir_all(root.path().join("tree/below"))?;
        let stop = AtomicBool::new(true);
        let removed = remove(opened(root.path())?.as_fd(), c"tree", &stop);
        let interrupted = removed.is_err_and(|error| error.kind() == io::ErrorKind::Interrupted);
        assert!(interrupted && root.path().join("tree/below").exists());
        Ok(())
    }

    #[test]
    fn a_link_is_no_directory() -> Result<()> {
        let root = tempfile::tempdir()?;
        symlink(root.path(), root.path().join("link"))?;
        assert!(open_directory(opened(root.path())?, c"link").is_err());
        assert!(open_directory(CWD, c".").is_ok());
        Ok(())
    }
}
