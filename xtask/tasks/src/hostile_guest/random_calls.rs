//! Random calls: the host survives them, its limits hold at the end of each program, and nothing is left
//! behind.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use fastrand::Rng;

use super::functions::{FUNCTIONS, number};
use super::interpreter::{
    DIRECTORY, NAME_ROOM, NAMES, NAMES_AT, PIECES_AT, Program, SUBSCRIPTIONS_AT, guest,
};
use super::start;
use crate::client::Client;
use crate::service::{self, Service};

const PROGRAMS: u64 = 600;
const CALLS: usize = 200;

/// Limits that are low enough for random calls to reach.
const OPEN_FILES: usize = 5;
const DISK: u64 = 20_000;
const ENTRIES: usize = 5;

/// The functions of half of all calls: those that change files.
const CHANGES: &[&str] = &[
    "fd_filestat_set_size",
    "fd_pwrite",
    "fd_renumber",
    "fd_write",
    "path_create_directory",
    "path_open",
    "path_open",
    "path_open",
    "path_open",
    "path_open",
    "path_remove_directory",
    "path_rename",
    "path_unlink_file",
];

/// Returns random calls, between one that creates the first file and one that renames it.
fn program(rng: &mut Rng) -> Program {
    let name = |number| (NAMES_AT + number * NAME_ROOM) as u64;
    let length = |number: usize| NAMES[number].len() as u64;
    let mut program = Program::new();
    let (create, room) = (1, 0x8000);
    let begin = [DIRECTORY, 0, name(0), length(0), create, 0x40, 0, 0, room];
    program.call(number("path_open"), &begin);
    program.call(number("fd_close"), &[4]);
    // An invalid address ends the run, so few programs have one.
    let wild = if rng.u8(..4) == 0 { 0.01 } else { 0.0 };
    for _ in 0..CALLS {
        let chosen = match rng.bool() {
            true => number(CHANGES[rng.usize(..CHANGES.len())]),
            false => rng.usize(..FUNCTIONS.len()),
        };
        let arguments = arguments(FUNCTIONS[chosen].1, wild, rng);
        program.call(chosen, &arguments);
    }
    let end = [DIRECTORY, name(0), length(0), DIRECTORY, name(1), length(1)];
    program.call(number("path_rename"), &end);
    program.wait();
    program
}

/// Returns arguments of these kinds, most of which are valid.
fn arguments(kinds: &str, wild: f64, rng: &mut Rng) -> Vec<u64> {
    let mut name = 0;
    let mut argument = |kind| {
        if kind != 'x' && rng.f64() < wild {
            let edges = [
                u64::MAX,
                1 << 63,
                (1 << 63) - 1,
                1 << 40,
                0x10_0000 - 4,
                rng.u64(..),
            ];
            return edges[rng.usize(..edges.len())];
        }
        match kind {
            'd' if kinds.contains('p') && rng.u8(..8) != 0 => DIRECTORY,
            'd' => rng.u64(..8),
            'x' => [0, 1, 2, 4, 5, 6, 7, 8][rng.usize(..8)],
            'p' => {
                name = rng.usize(3..NAMES.len());
                (NAMES_AT + name * NAME_ROOM) as u64
            }
            'l' => NAMES[name].len() as u64,
            'v' => (PIECES_AT + 8 * rng.usize(..3)) as u64,
            's' => (SUBSCRIPTIONS_AT + 48 * rng.usize(..4)) as u64,
            'c' => rng.u64(..4),
            'n' => rng.u64(..0x1000),
            'w' => rng.u64(..3),
            'f' => rng.u64(..2),
            'o' => rng.u64(..16),
            'R' => [0x2, 0x40, 0x42, 0][rng.usize(..4)],
            'O' if rng.u8(..8) == 0 => rng.u64(..),
            'O' => rng.u64(..2 * DISK),
            'T' => rng.u64(..),
            // Buffers for results.
            _ => 0x8000 + 8 * rng.u64(..0x1000),
        }
    };
    kinds.chars().map(&mut argument).collect()
}

/// The resources that a run holds, unlinked files included.
#[derive(Debug, Default)]
struct Resources {
    descriptors: usize,
    bytes: u64,
    entries: usize,
}

impl Resources {
    fn of(service: &Service, directory: &Path) -> Result<Self> {
        let mut sizes = HashMap::new();
        let mut holdings = Self::default();
        let mut directories = vec![directory.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                holdings.entries += 1;
                let metadata = entry.metadata()?;
                if metadata.is_dir() {
                    directories.push(entry.path());
                } else {
                    sizes.insert(metadata.ino(), metadata.len());
                }
            }
        }
        for descriptor in descriptors(service)? {
            if fs::read_link(&descriptor).is_ok_and(|path| path.starts_with(directory)) {
                holdings.descriptors += 1;
                let metadata = fs::metadata(&descriptor)?;
                if metadata.is_file() {
                    sizes.insert(metadata.ino(), metadata.len());
                }
            }
        }
        holdings.bytes = sizes.values().sum();
        Ok(holdings)
    }
}

/// Returns the open descriptors of the service.
fn descriptors(service: &Service) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(format!("/proc/{}/fd", service.id()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Returns the scratch directories of runs. The only entry of `root` is the service's directory.
fn runs(root: &Path) -> Vec<PathBuf> {
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let inside = entries(root).flat_map(|process| entries(&process.path()));
    inside
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

#[test]
fn random_calls_leave_the_limits_and_the_host_intact() -> Result<()> {
    service::build()?;
    let root = tempfile::tempdir()?;
    let root = root.path();
    let settings = [
        ("TEMP_ROOT", root.to_str().expect("the path is text")),
        ("OPEN_FILES_LIMIT", &OPEN_FILES.to_string()),
        ("DISK_LIMIT", &DISK.to_string()),
        ("ENTRIES_LIMIT", &ENTRIES.to_string()),
        ("MAX_CONCURRENT", "1"),
        ("CPU_LIMIT", "1m"),
        ("WALL_LIMIT", "1m"),
    ];
    let service = start(&guest(), &settings)?;
    let client = Client::new(&service.url);
    client.health()?;
    let before = descriptors(&service)?.len();
    let pause = || thread::sleep(Duration::from_millis(1));

    let mut peak = Resources::default();
    for seed in 0..PROGRAMS {
        let script = program(&mut Rng::with_seed(seed)).0;
        let (response, held) = thread::scope(|scope| {
            let response = scope.spawn(|| client.execute(&script));
            let mut held = None;
            // Only once: afterwards the directory is removed, which must not be disturbed.
            while !response.is_finished() {
                let done = runs(root).into_iter().find(|run| run.join("done").exists());
                if held.is_none()
                    && let Some(run) = done
                {
                    held = Some(Resources::of(&service, &run));
                    fs::write(run.join("go"), "").expect("the run waits for it");
                }
                pause();
            }
            (response.join().expect("the client does not panic"), held)
        });
        let response = response?;
        ensure!(response.status < 500, "{seed}: {}", response.body);
        if let Some(held) = held.transpose()? {
            // All of `OPEN_FILES`, because the standard streams can be closed.
            let intact =
                held.descriptors <= OPEN_FILES && held.bytes <= DISK && held.entries <= ENTRIES;
            ensure!(intact, "{seed}: {held:?}");
            peak.descriptors = peak.descriptors.max(held.descriptors);
            peak.bytes = peak.bytes.max(held.bytes);
            peak.entries = peak.entries.max(held.entries);
        }
        while !runs(root).is_empty() {
            pause();
        }
        let now = descriptors(&service)?.len();
        ensure!(
            now <= before,
            "{seed}: {now} descriptors, and {before} before"
        );
    }
    // Otherwise the guest would do nothing.
    let reached =
        peak.descriptors == OPEN_FILES && peak.bytes > DISK / 4 * 3 && peak.entries == ENTRIES;
    ensure!(reached, "at most there was {peak:?}");
    Ok(())
}
