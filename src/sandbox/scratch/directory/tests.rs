use std::fs;
use std::os::unix::fs::{chown, symlink};

use anyhow::Result;
use rustix::fs::{CWD, mkfifoat};

use super::*;

static GO_ON: AtomicBool = AtomicBool::new(false);

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    Ok(fs::set_permissions(path, Permissions::from_mode(mode))?)
}

/// A directory as a killed process leaves it: a run's directory, and a lock that nobody holds.
fn abandoned_in(root: &Path, name: &str) -> Result<PathBuf> {
    let path = root.join(format!("{PREFIX}{name}"));
    fs::create_dir_all(path.join("run-0/below"))?;
    fs::write(path.join("run-0/below/file"), "text")?;
    fs::write(path.join("lock"), "")?;
    set_mode(&path, MODE)?;
    Ok(path)
}

#[test]
fn only_what_nobody_holds_is_swept() -> Result<()> {
    let root = tempfile::tempdir()?;
    let abandoned = abandoned_in(root.path(), "abandoned")?;
    let inherits_a_group = abandoned_in(root.path(), "group")?;
    set_mode(&inherits_a_group, 0o2700)?;
    let new = abandoned_in(root.path(), "new")?;
    fs::remove_file(new.join("lock"))?;
    let other = root.path().join("other");
    fs::rename(abandoned_in(root.path(), "other")?, &other)?;
    let alive = Directory::make(root.path())?;
    sweep(root.path(), &GO_ON);
    assert!(!abandoned.exists() && !inherits_a_group.exists());
    assert!(new.join("run-0").exists() && other.join("run-0").exists());
    assert!(alive.path().exists());
    Ok(())
}

#[test]
fn others_cannot_read_what_runs_write() -> Result<()> {
    let root = tempfile::tempdir()?;
    let directory = Directory::make(root.path())?;
    let mode = fs::metadata(directory.path())?.permissions().mode();
    assert_eq!(mode & ACCESS, MODE);
    Ok(())
}

/// In a directory that everyone can write to, a name says nothing.
#[test]
fn what_others_can_have_made_is_not_swept() -> Result<()> {
    let root = tempfile::tempdir()?;
    let victim = root.path().join("victim");
    fs::rename(abandoned_in(root.path(), "victim")?, &victim)?;
    symlink(&victim, root.path().join(format!("{PREFIX}link")))?;
    fs::write(root.path().join(format!("{PREFIX}file")), "text")?;
    mkfifoat(CWD, root.path().join(format!("{PREFIX}fifo")), Mode::RWXU)?;
    let writable = abandoned_in(root.path(), "writable")?;
    set_mode(&writable, 0o770)?;
    let readable = abandoned_in(root.path(), "readable")?;
    set_mode(&readable, 0o755)?;
    sweep(root.path(), &GO_ON);
    for kept in [&victim, &writable, &readable] {
        assert!(kept.join("run-0/below/file").exists(), "{}", kept.display());
    }
    assert_eq!(fs::read_dir(root.path())?.count(), 6);
    Ok(())
}

#[test]
fn directories_of_other_users_are_not_swept() -> Result<()> {
    const NOBODY: u32 = 65_534;
    let root = tempfile::tempdir()?;
    let foreign = abandoned_in(root.path(), "foreign")?;
    if let Err(error) = chown(&foreign, Some(NOBODY), None) {
        eprintln!("SKIPPED: only root can give a directory away: {error}");
        return Ok(());
    }
    sweep(root.path(), &GO_ON);
    assert!(foreign.join("run-0/below/file").exists());
    Ok(())
}

#[test]
fn a_lock_is_a_file_and_opening_it_waits_for_nothing() -> Result<()> {
    let root = tempfile::tempdir()?;
    let [fifo, link, directory] = ["fifo", "link", "directory"].map(|name| {
        let path = abandoned_in(root.path(), name)?;
        fs::remove_file(path.join("lock"))?;
        anyhow::Ok(path)
    });
    let (fifo, link, directory) = (fifo?, link?, directory?);
    mkfifoat(CWD, fifo.join("lock"), Mode::RWXU)?;
    fs::write(link.join("file"), "")?;
    symlink("file", link.join("lock"))?;
    fs::create_dir(directory.join("lock"))?;
    sweep(root.path(), &GO_ON);
    for kept in [&fifo, &link, &directory] {
        assert!(kept.join("run-0/below/file").exists(), "{}", kept.display());
    }
    Ok(())
}

/// A removal that was interrupted can have left anything, under any name.
#[test]
fn what_an_interrupted_removal_left_is_swept() -> Result<()> {
    let root = tempfile::tempdir()?;
    let abandoned = abandoned_in(root.path(), "abandoned")?;
    for number in 0..3 {
        fs::create_dir_all(abandoned.join(format!("run-a/{number}")))?;
        fs::create_dir_all(abandoned.join(format!("run-a.{number}/full")))?;
    }
    fs::write(abandoned.join("file"), "text")?;
    let stopped = AtomicBool::new(true);
    sweep(root.path(), &stopped);
    assert!(abandoned.join("lock").exists());
    sweep(root.path(), &GO_ON);
    assert!(!abandoned.exists());
    Ok(())
}

#[test]
fn a_directory_that_is_not_empty_stays_for_the_next_start() -> Result<()> {
    let root = tempfile::tempdir()?;
    let [empty, full] = [Directory::make(root.path())?, Directory::make(root.path())?];
    let [empty_path, full_path] = [&empty, &full].map(|directory| directory.path().to_owned());
    fs::create_dir(full_path.join("run-0"))?;
    drop((empty, full));
    assert!(!empty_path.exists() && full_path.join("lock").exists());
    sweep(root.path(), &GO_ON);
    assert!(!full_path.exists());
    Ok(())
}
