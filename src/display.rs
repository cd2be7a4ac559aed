//! Display of limits in messages: `5 s`, `50 MB`, `1 MiB`.

use std::fmt;
use std::time::Duration;

use bytesize::ByteSize;

/// A duration in seconds, with no more digits than it needs.
pub struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_secs_f64())
    }
}

/// An exact size in bytes, in the largest binary or decimal unit that divides it: for limits.
pub struct Bytes(pub usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(usize, &str); 6] = [
            (1 << 30, "GiB"),
            (1_000_000_000, "GB"),
            (1 << 20, "MiB"),
            (1_000_000, "MB"),
            (1 << 10, "KiB"),
            (1_000, "kB"),
        ];
        match UNITS
            .iter()
            .find(|(unit, _)| self.0 >= *unit && self.0.is_multiple_of(*unit))
        {
            Some((unit, name)) => write!(f, "{} {name}", self.0 / unit),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

/// A size in bytes with one decimal, in the largest binary unit: for amounts of the machine.
pub struct RoundedBytes(pub u64);

impl fmt::Display for RoundedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ByteSize::b(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_their_unit() {
        let cases = [
            (50_000_000, "50 MB"),
            (1 << 20, "1 MiB"),
            (16 << 20, "16 MiB"),
            (1_000, "1 kB"),
            (2 << 30, "2 GiB"),
            (123, "123 bytes"),
            (0, "0 bytes"),
        ];
        for (bytes, text) in cases {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn amounts_are_rounded() {
        let cases = [
            (2_000_000_000, "1.9 GiB"),
            (50 << 20, "50.0 MiB"),
            (123, "123 B"),
        ];
        for (bytes, text) in cases {
            assert_eq!(RoundedBytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn durations_keep_their_fraction() {
        assert_eq!(Seconds(Duration::from_secs(5)).to_string(), "5 s");
        assert_eq!(Seconds(Duration::from_millis(1500)).to_string(), "1.5 s");
    }
}
