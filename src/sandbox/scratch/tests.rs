use std::fs;
use std::sync::mpsc;

use super::*;

/// How many directories of runs there are.
fn runs(scratches: &ScratchRoot) -> Result<usize> {
    Ok(fs::read_dir(scratches.0.directory.path())?.count() - 1)
}

#[test]
fn a_permit_is_dropped_when_its_directory_is_gone() -> Result<()> {
    let root = tempfile::tempdir()?;
    let scratches = ScratchRoot::new(Some(root.path()))?;
    let (mut one, mut other) = (scratches.reserve(), scratches.reserve());
    assert_eq!(runs(&scratches)?, 0);
    assert_ne!(one.make()?, other.make()?);
    for scratch in [one, other] {
        let (permit, dropped) = mpsc::channel::<()>();
        let mut scratch = scratch;
        scratch.hold(Box::new(permit));
        let name = scratch.name.clone().unwrap_or_default();
        let path = scratches.0.directory.path().join(&*name.to_string_lossy());
        fs::create_dir_all(path.join("below"))?;
        fs::write(path.join("below/file"), "text")?;
        assert_eq!(dropped.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(scratch);
        assert_eq!(dropped.recv(), Err(mpsc::RecvError));
        assert!(!path.exists());
    }
    assert_eq!(runs(&scratches)?, 0);
    Ok(())
}

#[test]
fn without_a_directory_the_permit_is_dropped_with_the_run() -> Result<()> {
    let root = tempfile::tempdir()?;
    let scratches = ScratchRoot::new(Some(root.path()))?;
    let (permit, dropped) = mpsc::channel::<()>();
    let mut scratch = scratches.reserve();
    scratch.hold(Box::new(permit));
    drop(scratch);
    assert_eq!(dropped.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    Ok(())
}

#[test]
fn processes_that_start_together_leave_each_other_alone() -> Result<()> {
    let root = tempfile::tempdir()?;
    let start = || -> Result<()> {
        for _ in 0..100 {
            let alive = ScratchRoot::new(Some(root.path()))?;
            alive.reserve().make()?;
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

#[test]
fn storage_is_unavailable_until_an_entry_can_be_made() -> Result<()> {
    let root = tempfile::tempdir()?;
    let scratches = ScratchRoot::new(Some(root.path()))?;
    assert_eq!(scratches.check(u64::MAX), Ok(()));
    // As a cleaner of temporary files does it.
    let path = scratches.0.directory.path().to_owned();
    let aside = root.path().join("aside");
    fs::rename(&path, &aside)?;
    fs::remove_dir_all(&aside)?;
    let error = scratches.reserve().make().err();
    scratches.failed(&error.map_or_else(String::new, |error| error.to_string()));
    for _ in 0..2 {
        assert!(scratches.check(0).is_err());
    }
    Ok(())
}

#[test]
fn storage_that_works_again_is_available() -> Result<()> {
    let root = tempfile::tempdir()?;
    let scratches = ScratchRoot::new(Some(root.path()))?;
    scratches.failed("no space left on the device");
    assert_eq!(scratches.check(0), Ok(()));
    assert_eq!(runs(&scratches)?, 0);
    Ok(())
}
