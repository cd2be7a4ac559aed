//! Files that the host writes into a run's directory before it starts, and reads from it afterwards.
//!
//! Only this process can write to the directory, and a guest cannot make links, so paths below it lead
//! nowhere else. Nothing runs in the guest meanwhile.

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Dir, FileType, Mode, OFlags, fstat, mkdirat, openat};
use rustix::io::Errno;

use crate::sandbox::files::{InputFile, OutputFile};

/// Bytes of a path that the system takes, its NUL included.
const PATH_MAX: usize = 4096;

/// Writes `files` and the directories above them into the empty `directory`. Returns the number of directories.
///
/// # Errors
/// When the system refuses.
pub fn write(directory: &OwnedFd, files: &[InputFile]) -> io::Result<usize> {
    let mut made = HashSet::new();
    for file in files {
        for parent in file.path.parents() {
            if made.insert(parent.to_owned()) {
                mkdirat(directory, parent, Mode::from_raw_mode(0o777))?;
            }
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        let created = openat(directory, file.path.as_str(), flags, mode)?;
        File::from(created).write_all(&file.contents)?;
    }
    Ok(made.len())
}

/// Reads the files in `directory` that differ from `inputs`, up to `limit` bytes of contents in all, sorted by path.
///
/// # Errors
/// When the system refuses.
pub fn read(
    directory: &OwnedFd,
    inputs: &[InputFile],
    limit: usize,
) -> io::Result<Vec<OutputFile>> {
    let inputs = inputs
        .iter()
        .map(|input| (input.path.as_str(), &input.contents));
    let inputs: HashMap<_, _> = inputs.collect();
    let mut room = limit as u64;
    let mut changed = Vec::new();
    for path in paths(directory)? {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(directory, path.as_str(), flags, Mode::empty())?;
        let size = u64::try_from(fstat(&opened)?.st_size).unwrap_or(0);
        let input = inputs.get(path.as_str());
        let may_be_unchanged = input.is_some_and(|input| input.len() as u64 == size);
        let contents = if may_be_unchanged || size <= room {
            let mut contents = Vec::new();
            File::from(opened).read_to_end(&mut contents)?;
            if input.is_some_and(|input| **input == contents) {
                continue;
            }
            Some(contents).filter(|_| size <= room)
        } else {
            None
        };
        let contents = contents.ok_or(size);
        if contents.is_ok() {
            room -= size;
        }
        changed.push(OutputFile { path, contents });
    }
    Ok(changed)
}

/// Returns the paths of all files below `directory`, sorted. Paths that are too long for the system to open, which a
/// script can make by renaming a directory, are left out.
fn paths(directory: &OwnedFd) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(parent) = pending.pop() {
        let opened = if parent.is_empty() {
            Dir::read_from(directory.as_fd())
        } else {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(directory, parent.as_str(), flags, Mode::empty()) {
                Err(Errno::NAMETOOLONG) => continue,
                opened => Dir::read_from(opened?),
            }
        };
        for entry in opened? {
            let entry = entry?;
            let Ok(name) = CString::from(entry.file_name()).into_string() else {
                continue;
            };
            if name == "." || name == ".." {
                continue;
            }
            let path = match parent.as_str() {
                "" => name,
                parent => format!("{parent}/{name}"),
            };
            match entry.file_type() {
                FileType::Directory => pending.push(path),
                FileType::RegularFile if path.len() < PATH_MAX => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use anyhow::Result;
    use bytes::Bytes;

    use super::*;
    use crate::sandbox::files::FilePath;

    fn input(path: &str, contents: &'static str) -> Result<InputFile> {
        Ok(InputFile {
            path: FilePath::parse(path)?,
            contents: Bytes::from_static(contents.as_bytes()),
        })
    }

    fn output(path: &str, contents: &str) -> OutputFile {
        OutputFile {
            path: path.to_owned(),
            contents: Ok(contents.as_bytes().to_vec()),
        }
    }

    #[test]
    fn new_and_changed_files_are_read() -> Result<()> {
        let root = tempfile::tempdir()?;
        let directory = OwnedFd::from(File::open(root.path())?);
        let inputs = [
            input("a/b/kept", "1")?,
            input("a/b/changed", "1")?,
            input("removed", "1")?,
        ];
        assert_eq!(write(&directory, &inputs)?, 2);
        assert_eq!(read(&directory, &inputs, 100)?, []);
        fs::write(root.path().join("a/b/changed"), "2")?;
        fs::write(root.path().join("a/new"), "three")?;
        fs::remove_file(root.path().join("removed"))?;
        let expected = [output("a/b/changed", "2"), output("a/new", "three")];
        assert_eq!(read(&directory, &inputs, 100)?, expected);
        Ok(())
    }

    #[test]
    fn contents_beyond_the_limit_are_left_out() -> Result<()> {
        let root = tempfile::tempdir()?;
        let directory = OwnedFd::from(File::open(root.path())?);
        let inputs = [input("b", "long, and changed")?];
        write(&directory, &inputs)?;
        for (name, contents) in [("a", "12"), ("b", "long, and CHANGED"), ("c", "123")] {
            fs::write(root.path().join(name), contents)?;
        }
        let omitted = OutputFile {
            path: "b".to_owned(),
            contents: Err(17),
        };
        let expected = [output("a", "12"), omitted, output("c", "123")];
        assert_eq!(read(&directory, &inputs, 5)?, expected);
        Ok(())
    }

    #[test]
    fn paths_that_cannot_be_opened_are_left_out() -> Result<()> {
        let root = tempfile::tempdir()?;
        let directory = OwnedFd::from(File::open(root.path())?);
        let name = "d".repeat(200);
        let mut deep = directory.try_clone()?;
        for _ in 0..30 {
            mkdirat(&deep, &*name, Mode::RWXU)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            deep = openat(&deep, &*name, flags, Mode::empty())?;
        }
        openat(&deep, "file", OFlags::CREATE | OFlags::WRONLY, Mode::RWXU)?;
        fs::write(root.path().join("seen"), "")?;
        assert_eq!(read(&directory, &[], 5)?, [output("seen", "")]);
        Ok(())
    }
}
