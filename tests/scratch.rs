//! Scratch directories: no file of a run outlives its permit, directories of others are not touched, and a full
//! disk is reported.

#![cfg(target_os = "linux")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use common::footprint::{Footprint, left_in, settles};
use common::metrics::{open_metrics, parse};
use common::{HELLO, Server, command, execute};

/// Takes longer to remove than the next script to start.
const MANY_DIRECTORIES: &str = "
import os

def main():
    for number in range(980):
        os.mkdir(f'/tmp/{number}')
    with open('/tmp/file', 'wb') as file:
        file.write(bytes(1_000_000))
";

/// A thousand nested directories.
const DEEP: &str = "
import os

def main():
    at = 3
    for _ in range(1000):
        os.mkdir('d', dir_fd=at)
        below = os.open('d', os.O_RDONLY, dir_fd=at)
        if at != 3:
            os.close(at)
        at = below
";

/// Threads that come and go with load: a test may find some of them.
const THREADS_OF_LOAD: usize = 4;

#[test]
fn a_directory_is_gone_before_the_next_run_takes_its_slot() {
    let root = tempfile::tempdir().expect("there is room for files");
    let settings = [("MAX_CONCURRENT", "2"), ("QUEUE_TIMEOUT", "10m")];
    let server = Server::start_in(root.path(), &settings);
    assert_eq!(server.execute(MANY_DIRECTORIES).status, 200);
    let before = Footprint::of(&server);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for script in [MANY_DIRECTORIES, DEEP, MANY_DIRECTORIES] {
                    assert_eq!(server.execute(script).status, 200);
                    let left = left_in(root.path());
                    assert!(left <= 2, "{left} directories of 2 runs at once");
                }
            });
        }
    });
    let after = Footprint::of(&server);
    let most = before.threads + THREADS_OF_LOAD;
    assert!(after.threads <= most, "{after:?}, before {before:?}");
    settles(|| left_in(root.path()), |count| *count == 0);
    settles(
        || Footprint::of(&server),
        |now| now.descriptors <= before.descriptors,
    );
}

#[test]
fn the_directory_of_a_cancelled_run_is_gone_before_the_next_run_takes_its_slot() {
    let root = tempfile::tempdir().expect("there is room for files");
    let settings = [("MAX_CONCURRENT", "1"), ("WALL_LIMIT", "10m")];
    let server = Server::start_in(root.path(), &settings);
    let script = format!(
        "{}    import time\n    time.sleep(600)\n",
        MANY_DIRECTORIES.trim_end().to_owned() + "\n"
    );
    for _ in 0..3 {
        let leaving = server.begin(&script);
        settles(|| left_in(root.path()), |count| *count == 1);
        drop(leaving);
        let next = "import os\ndef main():\n    os.mkdir('mine')\n";
        assert_eq!(server.execute(next).status, 200);
        assert!(left_in(root.path()) <= 1);
    }
}

#[test]
fn a_shutdown_does_not_wait_for_removals_that_take_long() {
    let root = tempfile::tempdir().expect("there is room for files");
    let settings = [("MAX_CONCURRENT", "8"), ("SHUTDOWN_GRACE", "0s")];
    let mut server = Server::start_in(root.path(), &settings);
    let mut clients: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(execute(MANY_DIRECTORIES));
    }
    settles(|| left_in(root.path()), |count| *count > 0);
    server.terminate();
    assert!(server.ended().success());

    // The next start removes what is left.
    let server = Server::start_in(root.path(), &[]);
    settles(|| processes_in(root.path()).len(), |count| *count == 1);
    assert_eq!(server.execute(MANY_DIRECTORIES).status, 200);
}

/// The directories of processes in `root`.
fn processes_in(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).expect("the directory is there");
    entries.flatten().map(|entry| entry.path()).collect()
}

#[test]
fn the_service_starts_whatever_others_have_put_beside_its_directory() {
    let root = tempfile::tempdir().expect("there is room for files");
    let victim = tempfile::tempdir().expect("there is room for files");
    fs::write(victim.path().join("lock"), "").expect("there is room for files");
    fs::write(victim.path().join("file"), "").expect("there is room for files");
    let link = root.path().join("python-executor-link");
    symlink(victim.path(), &link).expect("there is room for a link");
    let with_fifo = root.path().join("python-executor-fifo");
    fs::create_dir(&with_fifo).expect("there is room for files");
    fs::set_permissions(&with_fifo, Permissions::from_mode(0o700)).expect("it is ours");
    let made = Command::new("mkfifo").arg(with_fifo.join("lock")).status();
    assert!(made.expect("there is mkfifo").success());
    let abandoned = root.path().join("python-executor-abandoned");
    fs::create_dir(&abandoned).expect("there is room for files");
    fs::set_permissions(&abandoned, Permissions::from_mode(0o700)).expect("it is ours");
    fs::write(abandoned.join("lock"), "").expect("there is room for files");

    let server = Server::start_in(root.path(), &[]);
    assert_eq!(server.execute(HELLO).status, 200);
    settles(|| abandoned.exists(), |exists| !exists);
    let check = command()
        .arg("check")
        .env("TEMP_ROOT", root.path())
        .output();
    assert!(check.expect("the program starts").status.success());
    assert!(link.exists() && with_fifo.join("lock").exists());
    assert!(victim.path().join("file").exists());
}

/// A file system of its own, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Without the right to mount there is none.
    fn mount() -> Option<Self> {
        let at = tempfile::tempdir().expect("there is room for files");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m,mode=1777", "tmpfs"]);
        let mounted = mount.arg(at.path()).output();
        let mounted = mounted.is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("SKIPPED: there is no right to mount a file system");
        }
        mounted.then(|| Self(at))
    }

    fn remount(&self, option: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{option}")]);
        let status = mount.arg(self.0.path()).status();
        assert!(status.expect("there is mount").success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_not_an_error_of_the_script() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let filler = disk.0.path().join("filler");
    let fill = || {
        let written = fs::write(&filler, vec![0; 2 << 20]);
        assert!(written.is_err(), "the disk is larger than it should be");
    };
    let empty = || fs::remove_file(&filler).expect("it can be removed");
    let read_only = || disk.remount("ro");
    let writable = || disk.remount("rw");
    let troubles: [[&dyn Fn(); 2]; 2] = [[&fill, &empty], [&read_only, &writable]];

    let server = Server::start_in(disk.0.path(), &[]);
    let write = "def main():\n    with open('file', 'wb') as file:\n        \
                 print(file.write(bytes(200_000)))\n";
    // Neither is it the script's when it expects to fail.
    let catch = "import os\ndef main():\n    try:\n        \
                 for number in range(900):\n            os.mkdir(str(number))\n            \
                 with open(f'file{number}', 'wb') as file: file.write(bytes(10_000))\n    \
                 except OSError: pass\n";
    for [begin, end] in troubles {
        assert_eq!(server.execute(write).status, 200);
        assert_eq!(gauge(&server), 0.0);
        begin();
        for script in [write, catch] {
            let response = server.execute(script);
            assert_eq!(
                (response.status, response.kind()),
                (503, "overloaded"),
                "{response:?}"
            );
            assert_eq!(response.header("retry-after"), Some("1"));
            assert!(response.error().contains("cannot store temporary files"));
        }
        let line = server.wait_for_log("temporary files cannot be stored");
        assert!(
            line.contains("WARN") && line.contains("TEMP_ROOT"),
            "{line}"
        );
        assert_eq!(server.execute(HELLO).status, 200);
        let ready = server.get("/readyz");
        assert_eq!(ready.status, 503);
        assert!(
            ready
                .body
                .contains("not ready: temporary files cannot be stored"),
            "{ready:?}"
        );
        assert_eq!((server.get("/healthz").status, gauge(&server)), (200, 1.0));

        end();
        assert_eq!(server.get("/readyz").status, 200);
        server.wait_for_log("can be stored again");
        assert_eq!((server.execute(write).status, gauge(&server)), (200, 0.0));
    }
}

fn gauge(server: &Server) -> f64 {
    let metrics = parse(&server.raw(open_metrics()).body);
    let value = metrics["python_executor_storage_unavailable"].value("");
    value.expect("it is always there")
}
