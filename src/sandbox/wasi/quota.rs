//! Disk quota: the accounting of everything that a guest does to its scratch directory. Nothing here touches a file.
//!
//! Only the guest changes the directory, and every change passes the guard, so the sums are exact without ever
//! asking the file system.

use std::collections::HashMap;

use crate::sandbox::limits::FileLimits;

/// A descriptor, as the guest numbers it.
pub type Fd = u32;

/// Identifies a file, whatever its name.
pub type Inode = u64;

/// The descriptor of the scratch directory in a guest that has not run yet.
pub const SCRATCH_DIRECTORY: Fd = 3;

/// The descriptors of a guest that has not run yet.
const INITIAL_DESCRIPTORS: [(Fd, Descriptor); 4] = [
    (0, Descriptor::Stdin),
    (1, Descriptor::Output),
    (2, Descriptor::Output),
    (SCRATCH_DIRECTORY, Descriptor::Directory),
];

/// The limits of one guest's directory, and how much of them is used.
#[derive(Debug)]
pub struct DiskQuota {
    limits: FileLimits,
    open: HashMap<Fd, Descriptor>,
    files: HashMap<Inode, File>,
    bytes: u64,
    entries: usize,
}

#[derive(Debug, Clone, Copy)]
enum Descriptor {
    Stdin,
    Output,
    Directory,
    File { inode: Inode, append: bool },
}

#[derive(Debug, Default)]
struct File {
    size: u64,
    descriptors: usize,
    /// Whether it has a name in the directory. An open file lives on without one.
    named: bool,
}

impl Default for DiskQuota {
    /// An empty directory that has no room until its limits are set.
    fn default() -> Self {
        Self {
            limits: FileLimits::default(),
            open: INITIAL_DESCRIPTORS.into(),
            files: HashMap::new(),
            bytes: 0,
            entries: 0,
        }
    }
}

impl DiskQuota {
    /// Sets the limits. The directory keeps its contents.
    pub fn set_limits(&mut self, limits: FileLimits) {
        self.limits = limits;
    }

    /// The limits.
    pub fn limits(&self) -> FileLimits {
        self.limits
    }

    /// How much of each limit is used.
    pub fn used(&self) -> FileLimits {
        FileLimits {
            open: self.open.len(),
            bytes: self.bytes,
            entries: self.entries,
        }
    }

    /// Whether there is such a descriptor.
    pub fn is_open(&self, fd: Fd) -> bool {
        self.open.contains_key(&fd)
    }

    /// Whether `fd` is stdin.
    pub fn is_stdin(&self, fd: Fd) -> bool {
        matches!(self.open.get(&fd), Some(Descriptor::Stdin))
    }

    /// Whether `fd` is one of the standard streams.
    pub fn is_stream(&self, fd: Fd) -> bool {
        let descriptor = self.open.get(&fd);
        matches!(descriptor, Some(Descriptor::Stdin | Descriptor::Output))
    }

    /// Whether one more descriptor is allowed.
    pub fn may_open(&self) -> bool {
        self.open.len() < self.limits.open
    }

    /// Whether one more file or directory is allowed.
    pub fn may_create(&self) -> bool {
        self.entries < self.limits.entries
    }

    /// Accounts for a file that the host has written.
    pub fn wrote_file(&mut self, inode: Inode, size: u64) {
        self.entries += 1;
        self.files.entry(inode).or_default().named = true;
        self.resize(inode, size);
    }

    /// Accounts for directories that the host has made.
    pub fn made_directories(&mut self, count: usize) {
        self.entries += count;
    }

    /// Accounts for a directory that has been opened.
    pub fn opened_directory(&mut self, fd: Fd) {
        self.open.insert(fd, Descriptor::Directory);
    }

    /// Accounts for a file that has been opened, and created if it is a new one; it has `size` bytes now.
    pub fn opened_file(&mut self, fd: Fd, inode: Inode, size: u64, append: bool) {
        self.open.insert(fd, Descriptor::File { inode, append });
        let file = self.files.entry(inode).or_default();
        if !file.named {
            file.named = true;
            self.entries += 1;
        }
        file.descriptors += 1;
        self.resize(inode, size);
    }

    /// Accounts for a descriptor that has been closed.
    pub fn closed(&mut self, fd: Fd) {
        if let Some(Descriptor::File { inode, .. }) = self.open.remove(&fd) {
            if let Some(file) = self.files.get_mut(&inode) {
                file.descriptors -= 1;
            }
            self.forget_if_gone(inode);
        }
    }

    /// Accounts for a descriptor that has been moved from one number to another.
    pub fn renumbered(&mut self, from: Fd, to: Fd) {
        if from == to {
            return;
        }
        self.closed(to);
        if let Some(descriptor) = self.open.remove(&from) {
            self.open.insert(to, descriptor);
        }
    }

    /// Sets whether a descriptor appends.
    pub fn set_append(&mut self, fd: Fd, appends: bool) {
        if let Some(Descriptor::File { append, .. }) = self.open.get_mut(&fd) {
            *append = appends;
        }
    }

    /// Whether `fd` is a file, so that writes through it must be accounted for.
    pub fn is_file(&self, fd: Fd) -> bool {
        matches!(self.open.get(&fd), Some(Descriptor::File { .. }))
    }

    /// Whether `length` bytes may be written through `fd`, whose position is `position`.
    pub fn may_write(&self, fd: Fd, position: u64, length: u64) -> bool {
        self.fits(fd, self.start(fd, position).saturating_add(length))
    }

    /// Accounts for `length` bytes that have been written through `fd` at `position`.
    pub fn written(&mut self, fd: Fd, position: u64, length: u64) {
        let end = self.start(fd, position).saturating_add(length);
        if let Some((inode, size)) = self.file(fd) {
            self.resize(inode, size.max(end));
        }
    }

    /// Whether the file of `fd` may become `size` bytes long.
    pub fn may_resize(&self, fd: Fd, size: u64) -> bool {
        self.fits(fd, size)
    }

    /// Accounts for the file of `fd`, which has been resized to `size` bytes.
    pub fn resized(&mut self, fd: Fd, size: u64) {
        if let Some((inode, _)) = self.file(fd) {
            self.resize(inode, size);
        }
    }

    /// Accounts for a directory that has been created.
    pub fn created_directory(&mut self) {
        self.entries += 1;
    }

    /// Accounts for a directory that has been removed.
    pub fn removed_directory(&mut self) {
        self.entries = self.entries.saturating_sub(1);
    }

    /// Accounts for a file that has lost its name.
    pub fn unlinked(&mut self, inode: Inode) {
        if let Some(file) = self.files.get_mut(&inode)
            && file.named
        {
            file.named = false;
            self.entries = self.entries.saturating_sub(1);
        }
        self.forget_if_gone(inode);
    }

    fn file(&self, fd: Fd) -> Option<(Inode, u64)> {
        match self.open.get(&fd) {
            Some(Descriptor::File { inode, .. }) => {
                Some((*inode, self.files.get(inode).map_or(0, |file| file.size)))
            }
            _ => None,
        }
    }

    /// Where a write through `fd` starts.
    fn start(&self, fd: Fd, position: u64) -> u64 {
        match self.open.get(&fd) {
            Some(Descriptor::File {
                inode,
                append: true,
            }) => self.files.get(inode).map_or(0, |file| file.size),
            _ => position,
        }
    }

    fn fits(&self, fd: Fd, end: u64) -> bool {
        let size = self.file(fd).map_or(0, |(_, size)| size);
        let growth = end.saturating_sub(size);
        self.bytes.saturating_add(growth) <= self.limits.bytes
    }

    fn resize(&mut self, inode: Inode, size: u64) {
        if let Some(file) = self.files.get_mut(&inode) {
            self.bytes = self.bytes - file.size + size;
            file.size = size;
        }
    }

    fn forget_if_gone(&mut self, inode: Inode) {
        if let Some(file) = self.files.get(&inode)
            && !file.named
            && file.descriptors == 0
        {
            self.bytes -= file.size;
            self.files.remove(&inode);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FileLimits = FileLimits {
        open: 6,
        bytes: 100,
        entries: 3,
    };

    fn empty() -> DiskQuota {
        let mut quota = DiskQuota::default();
        quota.set_limits(LIMITS);
        quota
    }

    fn with_file(size: u64) -> DiskQuota {
        let mut quota = empty();
        quota.opened_file(4, 1, 0, false);
        quota.written(4, 0, size);
        quota
    }

    #[test]
    fn descriptors() {
        let mut quota = empty();
        quota.opened_directory(4);
        assert!(quota.may_open());
        quota.opened_file(5, 1, 0, false);
        assert!(!quota.may_open());
        quota.renumbered(5, 1);
        assert!(quota.may_open());
        assert!(quota.is_file(1) && !quota.is_file(5));
        quota.closed(1);
        quota.closed(1);
        assert_eq!(quota.open.len(), 4);
    }

    #[test]
    fn growth_counts_and_overwriting_does_not() {
        let mut quota = with_file(60);
        assert!(quota.may_write(4, 0, 100) && !quota.may_write(4, 1, 100));
        quota.written(4, 50, 40);
        assert_eq!(quota.bytes, 90);
        // A hole counts like what would fill it.
        assert!(!quota.may_write(4, 1 << 40, 1) && !quota.may_write(4, u64::MAX, 1));
        assert!(quota.may_resize(4, 100) && !quota.may_resize(4, 101));
        quota.resized(4, 10);
        assert_eq!(quota.bytes, 10);
    }

    #[test]
    fn appending_starts_at_the_end() {
        let mut quota = with_file(60);
        quota.set_append(4, true);
        assert!(quota.may_write(4, 0, 40) && !quota.may_write(4, 0, 41));
        quota.written(4, 0, 40);
        assert_eq!(quota.bytes, 100);
    }

    #[test]
    fn an_open_file_without_a_name_still_takes_room() {
        let mut quota = with_file(60);
        quota.unlinked(1);
        assert_eq!((quota.bytes, quota.entries), (60, 0));
        quota.closed(4);
        assert_eq!(quota.bytes, 0);
        // Its number may be given to another file now.
        quota.opened_file(4, 1, 0, false);
        assert_eq!((quota.bytes, quota.entries), (0, 1));
    }

    #[test]
    fn entries() {
        let mut quota = with_file(1);
        quota.created_directory();
        assert!(quota.may_create());
        quota.created_directory();
        assert!(!quota.may_create());
        quota.removed_directory();
        quota.unlinked(1);
        quota.unlinked(1);
        assert_eq!(quota.entries, 1);
    }

    #[test]
    fn opening_again_truncates_or_not() {
        let mut quota = with_file(60);
        quota.opened_file(5, 1, 60, false);
        assert_eq!((quota.bytes, quota.entries), (60, 1));
        quota.closed(5);
        quota.opened_file(5, 1, 0, false);
        assert_eq!((quota.bytes, quota.entries), (0, 1));
    }
}
