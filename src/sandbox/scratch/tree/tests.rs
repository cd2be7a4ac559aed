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

/// A directory that is listed can be something else when it is opened.
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

#[test]
fn only_what_is_small_is_removed_at_once() -> Result<()> {
    let root = tempfile::tempdir()?;
    let parent = opened(root.path())?;
    let make = |entries: usize, size: u64, below: bool| -> Result<()> {
        let tree = root.path().join("tree");
        fs::create_dir_all(&tree)?;
        for number in 0..entries {
            fs::File::create(tree.join(number.to_string()))?.set_len(size)?;
        }
        if below {
            fs::create_dir_all(tree.join("below/file"))?;
        }
        Ok(())
    };
    let cases = [
        (0, 0, false, true),
        (FEW_ENTRIES, SMALL_FILE, false, true),
        (FEW_ENTRIES + 1, 0, false, false),
        (1, SMALL_FILE + 1, false, false),
        (1, 0, true, false),
    ];
    for (entries, size, below, removed) in cases {
        make(entries, size, below)?;
        let gone = remove_small(parent.as_fd(), c"tree");
        assert_eq!(
            (gone, !root.path().join("tree").exists()),
            (removed, removed)
        );
        remove_all(root.path(), c"tree")?;
    }
    Ok(())
}
