//! Settings as they are written, and what becomes of them.

use std::time::Duration;

use clap::CommandFactory;

use super::values::{some_bytes, some_time};
use super::*;
use crate::sandbox::Limits;

pub(super) const MACHINE: Machine = Machine {
    cores: 2,
    memory: 8 << 30,
    address_space: None,
};

pub(super) fn parse(args: &[&str], machine: Machine) -> Result<Config, String> {
    let args = ["python-executor"].iter().chain(args);
    let config = Config::parse_for(args, machine).and_then(|config| {
        config.check(machine)?;
        Ok(config)
    });
    config.map_err(|error| one_line(&error))
}

#[test]
fn the_definition_is_sound() {
    Config::command().debug_assert();
}

#[test]
fn every_setting_has_help_and_an_environment_variable_named_like_its_flag() {
    let command = Config::command();
    for arg in command.get_arguments() {
        let flag = arg.get_long().unwrap_or_default();
        let variable = arg.get_env().unwrap_or_default().to_string_lossy();
        assert_eq!(variable, flag.to_uppercase().replace('-', "_"));
        assert!(arg.get_help().is_some(), "{flag}");
    }
}

#[test]
fn defaults_are_the_documented_limits() -> Result<(), String> {
    assert_eq!(parse(&[], MACHINE)?.run.limits(), Limits::default());
    Ok(())
}

#[test]
fn sizes_and_durations() {
    let sizes = [
        ("50MB", Some(50_000_000)),
        ("1MiB", Some(1 << 20)),
        ("1.5 KiB", Some(1536)),
        ("50000000", Some(50_000_000)),
        ("0", None),
        ("0MB", None),
        ("-1", None),
        ("", None),
        ("50 parsecs", None),
        ("99999999999GiB", None),
    ];
    for (text, bytes) in sizes {
        assert_eq!(some_bytes(text).ok(), bytes, "{text:?}");
    }
    let durations = [
        ("5s", Some(5_000)),
        ("1500ms", Some(1_500)),
        ("1m 30s", Some(90_000)),
        ("365days", Some(31_536_000_000)),
        ("366days", None),
        // The sum of this and now is no point in time.
        ("500000000000years", None),
        ("0s", None),
        ("5", None),
        ("-5s", None),
        ("soon", None),
    ];
    for (text, millis) in durations {
        assert_eq!(
            some_time(text).ok(),
            millis.map(Duration::from_millis),
            "{text:?}"
        );
    }
}

#[test]
fn what_is_wrong_is_one_line_that_names_the_setting() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["--cpu-limit", "5"], &["CPU_LIMIT", "10s"]),
        (&["--cpu-limit", "366days"], &["CPU_LIMIT", "365days"]),
        (&["--cpu-limit", "a\n\nUsage:"], &["CPU_LIMIT", "10s"]),
        (&["--cpu-limit", "0s"], &["CPU_LIMIT", "more than zero"]),
        (&["--memory-limit", "19MB"], &["MEMORY_LIMIT", "20MB"]),
        (&["--memory-limit", "5GiB"], &["MEMORY_LIMIT", "4GiB"]),
        (
            &["--stdout-limit", "0"],
            &["STDOUT_LIMIT", "more than zero"],
        ),
        (
            &["--max-concurrent", "0"],
            &["MAX_CONCURRENT", "1 to 1000000"],
        ),
        (&["--max-queue=-1"], &["MAX_QUEUE"]),
        (&["--entries-limit", "2001"], &["ENTRIES_LIMIT", "2000"]),
        (&["--port", "70000"], &["PORT", "65535"]),
        (&["--host", "nowhere"], &["HOST"]),
        (&["--log", "loud"], &["LOG", "debug"]),
        (&["--log-format", "xml"], &["LOG_FORMAT", "text, json"]),
        (
            &["--temp-root", "/nonexistent"],
            &["TEMP_ROOT", "not a directory"],
        ),
        (
            &["--max-connections", "1"],
            &["MAX_CONNECTIONS", "MAX_QUEUE"],
        ),
        (&["--cpu-limt", "5s"], &["--cpu-limt", "--cpu-limit"]),
        (&["surplus"], &["surplus"]),
    ];
    for (args, telling) in cases {
        let Err(line) = parse(args, MACHINE) else {
            panic!("{args:?} was accepted")
        };
        assert!(!line.contains('\n'), "{line}");
        for words in *telling {
            assert!(line.contains(words), "{args:?}: {line}");
        }
    }
}

#[test]
fn too_little_address_space_names_what_to_change() {
    let with = |address_space| Machine {
        address_space: Some(address_space),
        ..MACHINE
    };
    let cases: &[(u64, &[&str], &[&str])] = &[
        (2_000_000_000, &[], &["1.9 GiB", "ulimit -v", "raise"]),
        (
            10_000_000_000,
            &["--max-concurrent", "3"],
            &["9.3 GiB", "lower MAX_CONCURRENT to 2"],
        ),
    ];
    for (space, args, telling) in cases {
        let Err(line) = parse(args, with(*space)) else {
            panic!("{space} was enough for {args:?}")
        };
        for words in *telling {
            assert!(line.contains(words), "{line}");
        }
    }
}

#[test]
fn memory_must_do_for_one_run_at_least() -> Result<(), String> {
    let tiny = Machine {
        memory: 50 << 20,
        ..MACHINE
    };
    let line = parse(&[], tiny).err().unwrap_or_default();
    for words in ["50.0 MiB", "lower MEMORY_LIMIT"] {
        assert!(line.contains(words), "{line}");
    }
    let lower = ["--memory-limit", "20MB", "--result-limit", "1MiB"];
    assert!(parse(&lower, tiny)?.fits_into_memory(tiny));
    assert!(!parse(&["--max-concurrent", "1000"], MACHINE)?.fits_into_memory(MACHINE));
    Ok(())
}

#[test]
fn capacity_follows_cores_memory_and_settings() -> Result<(), String> {
    let small = Machine {
        cores: 4,
        memory: 512 << 20,
        ..MACHINE
    };
    let tiny = Machine {
        cores: 1,
        memory: 80 << 20,
        ..MACHINE
    };
    let narrow = Machine {
        address_space: Some(10_000_000_000),
        ..MACHINE
    };
    let cases: &[(Machine, &[&str], [u32; 3])] = &[
        (MACHINE, &[], [32, 256, 1152]),
        (small, &[], [5, 40, 180]),
        (tiny, &[], [1, 8, 36]),
        (small, &["--memory-limit", "20MB"], [8, 64, 288]),
        (MACHINE, &["--max-concurrent", "3"], [3, 24, 108]),
        (
            MACHINE,
            &["--max-concurrent", "3", "--max-queue", "0"],
            [3, 0, 12],
        ),
        (MACHINE, &["--max-connections", "5000"], [32, 256, 5000]),
        (narrow, &[], [2, 16, 72]),
    ];
    for (machine, args, [concurrent, queue, connections]) in cases {
        let expected = Capacity {
            concurrent: *concurrent,
            queue: *queue,
            queue_timeout: Duration::from_secs(10),
            connections: *connections,
        };
        assert_eq!(parse(args, *machine)?.capacity, expected, "{args:?}");
    }
    Ok(())
}
