//! Files of a run on this machine's disk. Their names are untrusted: nothing outside of the directory is written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::{Context, bail};
use python_executor::sandbox::{FilePath, OutputFile};
use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;

/// Neither a link nor a named pipe is followed.
const FLAGS: OFlags = OFlags::CLOEXEC
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK);

/// Writes `files` below `directory`, which is made if it is not there. Existing files are overwritten.
///
/// # Errors
/// When a file cannot be written, or its contents were omitted. The others are written nevertheless.
pub fn write(files: &[OutputFile], directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory)?;
    let flags = OFlags::CLOEXEC | OFlags::DIRECTORY;
    let root = openat(CWD, directory, flags, Mode::empty())?;
    let mut problem = None;
    for file in files {
        let written = write_file(file, &root).with_context(|| file.path.clone());
        problem = problem.or(written.err());
    }
    problem.map_or(Ok(()), Err)
}

fn write_file(file: &OutputFile, root: &OwnedFd) -> anyhow::Result<()> {
    let contents = match &file.contents {
        Ok(contents) => contents,
        Err(size) => bail!("its {size} bytes exceed the limit of all files (FILES_LIMIT)"),
    };
    let path = FilePath::parse(&file.path)?;
    let (parents, name) = path
        .as_str()
        .rsplit_once('/')
        .unwrap_or(("", path.as_str()));
    let mut directory = root.try_clone()?;
    for parent in parents.split('/').filter(|parent| !parent.is_empty()) {
        directory = subdirectory(&directory, parent)?;
    }
    let flags = FLAGS | OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
    let file = openat(&directory, name, flags, Mode::from_raw_mode(0o666))?;
    File::from(file).write_all(contents)?;
    Ok(())
}

/// Opens the subdirectory `name`, and makes it if it is not there.
fn subdirectory(directory: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    match mkdirat(directory, name, Mode::from_raw_mode(0o777)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(openat(
        directory,
        name,
        FLAGS | OFlags::DIRECTORY,
        Mode::empty(),
    )?)
}
