//! Many sleeping guests take little memory and do not delay other requests.

// Memory is read from /proc.
#![cfg(target_os = "linux")]

mod common;

use std::path::Path;

use common::footprint::{Footprint, left_in, private, settles};
use common::{HELLO, Server, execute};
use python_executor::system;

const SLEEPERS: usize = 1_000;

/// One is for those who do not sleep.
const SLOTS: usize = SLEEPERS + 1;

/// The maximum private memory of a sleeping guest, in bytes. It is 1.5
/// times what it did cost when this was written: 0.41 MB, two thirds of it pages of the interpreter
/// that its start and the script have changed.
const EACH: usize = 610_000;

/// Makes a directory, which can be seen from outside, and sleeps.
const SLEEP: &str = "\
import os, time
def main():
    os.mkdir('/tmp/asleep')
    time.sleep(3600)
";

/// Puts all of them to sleep, lets another one run, and sends them away; gives how much memory they
/// took.
fn night(server: &Server, scratch: &Path) -> usize {
    let asleep = || left_in(scratch);
    let mut sleepers: Vec<_> = (0..SLEEPERS).map(|_| server.connect()).collect();
    let sleep = execute(SLEEP);
    sleepers.iter_mut().for_each(|client| client.send(&sleep));
    settles(asleep, |count| *count == SLEEPERS);
    let memory = private(server);

    assert_eq!(server.execute(HELLO).status, 200);
    assert_eq!(asleep(), SLEEPERS);
    drop(sleepers);
    settles(asleep, |count| *count == 0);
    memory
}

#[test]
fn a_thousand_guests_sleep_at_once() {
    // There is a connection to each of them.
    system::raise_open_file_limit();
    let scratch = tempfile::tempdir().expect("there is room for files");
    let slots = SLOTS.to_string();
    let settings = [
        ("MAX_CONCURRENT", &*slots),
        ("MAX_QUEUE", "100"),
        ("WALL_LIMIT", "2h"),
        ("LOG", "info"),
    ];
    let server = Server::start_in(scratch.path(), &settings);
    let before = Footprint::of(&server);
    // The first run loads pages that all share.
    assert_eq!(server.execute(HELLO).status, 200);
    let empty = private(&server);

    let each = (night(&server, scratch.path()) - empty) / SLEEPERS;
    println!("a sleeping guest takes {each} bytes");
    assert!(each < EACH, "a sleeping guest takes {each} bytes");
    let kept = private(&server).saturating_sub(empty) / SLEEPERS;
    println!("its slot keeps {kept} bytes for the next one");

    // The next ones live in the memory of those before them.
    let next = (night(&server, scratch.path()) - empty) / SLEEPERS;
    println!("the next one takes {next} bytes");
    assert!(next < EACH, "the next one takes {next} bytes");
    settles(|| Footprint::of(&server), |now| now.fits_into(&before));
}
