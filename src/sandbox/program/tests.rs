//! Memory of instances (pages that a script changes, slots that are reused), and the input and output of jobs.

use std::path::Path;
use std::time::SystemTime;

use anyhow::Result;
use bytes::Bytes;

use super::*;
use crate::sandbox::{
    FilePath, InputFile, Interpreter, Limits, LiveOutput, Position, page_scan_available,
};

/// Loads CPython with room for one run.
fn interpreter() -> Result<Interpreter> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("wasm/python.cwasm");
    let runtime = Runtime::new(1, Limits::default().memory, None)?;
    Interpreter::load(&runtime, &python)
}

fn job(script: &str) -> Job {
    Job::new(script.to_owned(), Limits::default())
}

impl Program {
    /// The linear memory as it is now.
    fn memory(&self) -> &[u8] {
        self.guest.bytes(&self.store)
    }
}

/// For each page of an instance's memory, whether it is mapped, and whether it is a file's.
#[cfg(target_os = "linux")]
fn page_table(memory: *const [u8]) -> Result<Vec<(bool, bool)>> {
    use std::io::{Read, Seek, SeekFrom};

    // Of the page table's entries: https://docs.kernel.org/admin-guide/mm/pagemap.html
    const ENTRY: usize = 8;
    const PRESENT: u64 = 1 << 63;
    const OF_A_FILE: u64 = 1 << 61;
    let page = rustix::param::page_size();
    let mut table = std::fs::File::open("/proc/self/pagemap")?;
    let first = memory.cast::<u8>().addr() / page;
    table.seek(SeekFrom::Start((first * ENTRY) as u64))?;
    let mut entries = vec![0; memory.len() / page * ENTRY];
    table.read_exact(&mut entries)?;
    let entries = entries.as_chunks().0.iter().map(|entry| {
        let entry = u64::from_ne_bytes(*entry);
        (entry & PRESENT != 0, entry & OF_A_FILE != 0)
    });
    Ok(entries.collect())
}

/// The pages of an instance's memory that have been written to.
#[cfg(target_os = "linux")]
fn changed_pages(memory: &[u8]) -> Result<Vec<usize>> {
    let entries = page_table(memory)?;
    let own = entries.into_iter().enumerate();
    let own = own.filter(|(_, (present, of_a_file))| *present && !of_a_file);
    Ok(own.map(|(number, _)| number).collect())
}

/// The pages of memory at which a script has page faults.
#[cfg(target_os = "linux")]
async fn faulting_pages(interpreter: &Interpreter, script: &str) -> Result<Vec<usize>> {
    let mut program = interpreter.start(()).await?;
    let before = page_table(program.memory())?;
    let outcome = program.step(&job(script)).await;
    assert!(outcome.result.is_ok(), "{outcome:?}");
    let after = page_table(program.memory())?;
    let pairs = before.iter().zip(&after).enumerate();
    let changed = pairs.filter(|(_, (before, after))| before != after);
    Ok(changed.map(|(number, _)| number).collect())
}

/// Bytes of linear memory that a short script may leave in use; the rest of the limit is for
/// scripts that need more.
#[cfg(target_os = "linux")]
const MAX_AFTER_HELLO: usize = 14_000_000;

/// Every page costs a copy and a reset. wasmtime resets no more than 32 stretches of them in place
/// (`MAX_REGIONS` of its pagemap module) and has the others fault again in the next run.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_short_script_changes_few_pages() -> Result<()> {
    let interpreter = interpreter()?;
    let mut program = interpreter.start(()).await?;
    let outcome = program.step(&job(HELLO)).await;
    assert!(outcome.result.is_ok(), "{outcome:?}");
    let memory = program.memory();
    assert!(memory.len() <= MAX_AFTER_HELLO, "{} bytes", memory.len());
    let pages = changed_pages(memory)?;
    let stretches = pages.windows(2).filter(|pair| pair[0] + 1 != pair[1]);
    let stretches = stretches.count() + 1;
    assert!((10..=48).contains(&pages.len()), "{pages:?}");
    assert!(stretches < 30, "{pages:?}");
    assert!(!program.store.data().wasi.has_directory());
    Ok(())
}

/// Prints and returns something.
const HELLO: &str = "def main():\n    print('hi')\n    return {'answer': 42}\n";

/// Scripts that change many pages, each in its own way.
const RICH: &[&str] = &[
    "kept = [str(n) for n in range(300_000)]\ndef main(): return 1",
    "def main(): return len(b'secret' * 5_000_000)",
    "import sys\nsys.setrecursionlimit(10**9)\ndef main(): return main()",
    "def main():\n    while True: bytearray(1 << 20)",
    "import gc\ndef main():\n    for thing in gc.get_objects():\n    \
     if isinstance(thing, dict): thing['secret'] = 'secret'",
    "import os\ndef main(): os._exit(3)",
    "def main(): return 1 / 0",
    "import dataclasses, enum, doctest\n@dataclasses.dataclass\nclass A: x: int\n\
     def main(): return repr(A(1))",
];

#[tokio::test]
async fn a_slot_that_is_used_again_holds_nothing_of_its_past() -> Result<()> {
    let interpreter = interpreter()?;
    let pristine = interpreter.start(()).await?.memory().to_vec();
    assert!(pristine.len() > 1 << 20);
    for script in [HELLO].iter().chain(RICH) {
        interpreter.run_and_clean_up(job(script)).await;
        let program = interpreter.start(()).await?;
        let memory = program.memory();
        let difference = pristine.iter().zip(memory).position(|(was, is)| was != is);
        assert_eq!(
            (memory.len(), difference),
            (pristine.len(), None),
            "{script}"
        );
    }
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_short_script_has_no_page_faults_after_a_rich_one() -> Result<()> {
    let interpreter = interpreter()?;
    if !page_scan_available() {
        return Ok(());
    }
    interpreter.run_and_clean_up(job(HELLO)).await;
    for script in RICH {
        interpreter.run_and_clean_up(job(script)).await;
        for turn in 1..=3 {
            let pages = faulting_pages(&interpreter, HELLO).await?;
            assert_eq!(pages, [0; 0], "hello number {turn} after {script}");
        }
    }
    Ok(())
}

/// Runs `job` in a fresh instance; returns the result as JSON text.
async fn result(job: Job) -> Result<String> {
    let outcome = interpreter()?.run_and_clean_up(job).await;
    let result = outcome.result.map(|value| value.json.get().to_owned());
    Ok(result?)
}

#[tokio::test]
async fn files_go_in_and_come_out() -> Result<()> {
    let mut job = job(
        "import os\ndef main():\n    text = open('a/b.txt').read()\n    \
         open('a/c.txt', 'w').write(text.upper())\n    os.remove('old')\n    \
         return sorted(os.listdir('.')), os.path.getsize('kept')",
    );
    for (path, contents) in [("a/b.txt", "text"), ("kept", "same"), ("old", "1")] {
        job.files.push(InputFile {
            path: FilePath::parse(path)?,
            contents: Bytes::from_static(contents.as_bytes()),
        });
    }
    job.returns_files = true;
    let outcome = interpreter()?.run_and_clean_up(job).await;
    let result = outcome.result.map(|value| value.json.get().to_owned());
    assert_eq!(result.as_deref(), Ok(r#"[["a", "kept"], 4]"#));
    let written = OutputFile {
        path: "a/c.txt".to_owned(),
        contents: Ok(b"TEXT".to_vec()),
    };
    assert_eq!(outcome.files, [written]);
    assert_eq!(outcome.usage.disk, 12);
    Ok(())
}

#[tokio::test]
async fn files_of_a_job_count_towards_the_limits() -> Result<()> {
    let write = "def main():\n    with open('more', 'wb') as file: file.write(bytes(90))";
    for (length, succeeds) in [(10, true), (11, false)] {
        let mut job = job(write);
        job.limits.files.bytes = 100;
        job.files.push(InputFile {
            path: FilePath::parse("first")?,
            contents: Bytes::from(vec![0; length]),
        });
        let outcome = interpreter()?.run_and_clean_up(job).await;
        assert_eq!(outcome.result.is_ok(), succeeds, "{outcome:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_seed_decides_all_random_numbers() -> Result<()> {
    let script = "import os, random, secrets, uuid\ndef main():\n    \
                  return random.random(), os.urandom(4).hex(), secrets.token_hex(), str(uuid.uuid4())";
    let mut results = Vec::new();
    for seed in [Some(1), Some(1), Some(2), None, None] {
        let mut job = job(script);
        job.seed = seed;
        results.push(result(job).await?);
    }
    assert_eq!(results[0], results[1]);
    results.remove(0);
    results.sort();
    results.dedup();
    assert_eq!(results.len(), 4, "{results:?}");
    Ok(())
}

#[tokio::test]
async fn the_wall_clock_starts_at_the_time_of_the_job() -> Result<()> {
    let mut job = job(
        "import time, datetime\ndef main():\n    time.sleep(0.001)\n    \
         return datetime.datetime.now().year, 0.001 <= time.time() - 1_000_000_000 < 100",
    );
    job.time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(1_000_000_000));
    assert_eq!(result(job).await?, "[2001, true]");
    Ok(())
}

#[tokio::test]
async fn output_can_be_read_while_the_run_goes_on() -> Result<()> {
    let live = LiveOutput::default();
    let mut job =
        job("import time\ndef main():\n    print('first', flush=True)\n    time.sleep(1000)");
    job.live = Some(live.clone());
    let interpreter = interpreter()?;
    let mut position = Position::default();
    let read = async {
        loop {
            live.written().await;
            let new = live.read(&mut position);
            if !new.stdout.is_empty() {
                return new.stdout;
            }
        }
    };
    tokio::select! {
        outcome = interpreter.run_and_clean_up(job) => panic!("{outcome:?}"),
        text = read => assert_eq!(text, "first\n"),
    }
    Ok(())
}

mod cells;
mod input;
mod mounts;
mod stdin;
mod steps;
