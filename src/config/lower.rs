//! Limits that are lowered for one run: the values are written like those of the settings.

use std::fmt::Display;

use super::values::{count, memory_size, positive_duration, size};
use crate::display::{Bytes, Seconds};
use crate::sandbox::Limits;

/// Lowers one of `limits`, which are those of the service. `name` is the setting's name in lower case, without
/// `_LIMIT`.
///
/// # Errors
/// When there is no such limit, or `value` is not below it or equal to it. The text names the limit of the service.
pub fn lower(limits: &mut Limits, name: &str, value: &str) -> Result<(), String> {
    match name {
        "cpu" => set(&mut limits.cpu, positive_duration(value)?, name, Seconds),
        "wall" => set(&mut limits.wall, positive_duration(value)?, name, Seconds),
        "memory" => set(&mut limits.memory, memory_size(value)?, name, Bytes),
        "stdout" => set(&mut limits.stdout, size(value)?, name, Bytes),
        "stderr" => set(&mut limits.stderr, size(value)?, name, Bytes),
        "result" => set(&mut limits.result, size(value)?, name, Bytes),
        "disk" => {
            let bytes = |bytes| Bytes(usize::try_from(bytes).unwrap_or(usize::MAX));
            set(&mut limits.files.bytes, size(value)? as u64, name, bytes)
        }
        "files" => set(&mut limits.output_files, size(value)?, name, Bytes),
        "open_files" => {
            let files = count(value)? as usize;
            set(&mut limits.files.open, files, name, |files| files)
        }
        "host_calls" => match value.parse() {
            Ok(calls @ 1_u64..) => set(&mut limits.host_calls, calls, name, |calls| calls),
            _ => Err("must be a whole number from 1".to_owned()),
        },
        _ => Err("there is no such limit".to_owned()),
    }
}

/// Sets a limit of the service that is called `name` to `value`.
fn set<T: Copy + PartialOrd, D: Display>(
    limit: &mut T,
    value: T,
    name: &str,
    display: impl Fn(T) -> D,
) -> Result<(), String> {
    if value > *limit {
        return Err(format!(
            "{} is more than this service allows: {}_LIMIT is {}",
            display(value),
            name.to_uppercase(),
            display(*limit)
        ));
    }
    *limit = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn limits_are_lowered_to_values_as_in_settings() {
        let mut limits = Limits::default();
        let values = [
            ("cpu", "500ms"),
            ("wall", "2s"),
            ("memory", "30MB"),
            ("stdout", "1kB"),
            ("stderr", "2KiB"),
            ("result", "1"),
            ("disk", "1MiB"),
            ("files", "1MB"),
            ("open_files", "5"),
            ("host_calls", "1000"),
        ];
        for (name, value) in values {
            assert_eq!(lower(&mut limits, name, value), Ok(()), "{name}");
        }
        assert_eq!(limits.cpu, Duration::from_millis(500));
        assert_eq!(limits.wall, Duration::from_secs(2));
        assert_eq!(limits.memory, 30_000_000);
        assert_eq!(
            (limits.stdout, limits.stderr, limits.result),
            (1000, 2048, 1)
        );
        assert_eq!((limits.files.bytes, limits.files.open), (1 << 20, 5));
        assert_eq!((limits.output_files, limits.host_calls), (1_000_000, 1000));
        assert_eq!(limits.result_depth, Limits::default().result_depth);
    }

    #[test]
    fn other_values_are_rejected() {
        let cases = [
            (
                "cpu",
                "6s",
                "6 s is more than this service allows: CPU_LIMIT is 5 s",
            ),
            ("cpu", "0s", "must be more than zero"),
            ("cpu", "5", "write 500ms, 10s or 1m"),
            ("wall", "-1s", "write 500ms, 10s or 1m"),
            ("wall", "11s", "WALL_LIMIT is 10 s"),
            ("memory", "1MB", "CPython needs at least 20MB to start"),
            (
                "memory",
                "51MB",
                "51 MB is more than this service allows: MEMORY_LIMIT is 50 MB",
            ),
            ("stdout", "", "not a size"),
            ("stdout", "2MiB", "STDOUT_LIMIT is 1 MiB"),
            ("stderr", "2MiB", "STDERR_LIMIT is 1 MiB"),
            ("result", "9MiB", "RESULT_LIMIT is 8 MiB"),
            ("disk", "17MiB", "DISK_LIMIT is 16 MiB"),
            ("files", "9MiB", "FILES_LIMIT is 8 MiB"),
            ("open_files", "0", "must be a whole number"),
            ("open_files", "11", "OPEN_FILES_LIMIT is 10"),
            ("host_calls", "0", "must be a whole number"),
            ("host_calls", "-1", "must be a whole number"),
            ("host_calls", "10000001", "HOST_CALLS_LIMIT is 10000000"),
            ("result_depth", "1", "no such limit"),
        ];
        for (name, value, expected) in cases {
            let mut limits = Limits::default();
            let error = lower(&mut limits, name, value).expect_err(name);
            assert!(error.contains(expected), "{name} {value}: {error}");
            assert_eq!(limits, Limits::default(), "{name} {value}");
        }
    }
}
