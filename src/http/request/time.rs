//! Points in time as RFC 3339 writes them.

use std::time::{Duration, SystemTime};

/// Python's clock counts nanoseconds since 1970 in 64 bits; this is nearly as far as it goes.
const END: Duration = Duration::from_hours(24 * 365 * 290);

/// Parses a time such as `2026-01-31T09:30:00Z` or `2026-01-31T10:30:00.5+01:00`.
pub(super) fn parse(text: &str) -> Result<SystemTime, String> {
    let time = utc(text)
        .ok_or("not a time of RFC 3339: write 2026-01-31T09:30:00Z or 2026-01-31T10:30:00+01:00")?;
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) if since < END => Ok(time),
        _ => Err("must lie between 1970 and 2259".to_owned()),
    }
}

fn utc(text: &str) -> Option<SystemTime> {
    if !text.is_ascii() {
        return None;
    }
    // The letters may be in lower case.
    let text = text.to_ascii_uppercase();
    let (local, offset) = match text.strip_suffix('Z') {
        Some(local) => (local, "+00:00"),
        None => text.split_at_checked(text.len().checked_sub(6)?)?,
    };
    // humantime knows UTC only, and reads some more forms.
    if !local.ends_with(|last: char| last.is_ascii_digit()) {
        return None;
    }
    let time = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    match offset.split_at(1) {
        ("+", offset) => time.checked_sub(offset_of(offset)?),
        ("-", offset) => time.checked_add(offset_of(offset)?),
        _ => None,
    }
}

/// Parses the hours and minutes of an offset from UTC, such as `05:30`.
fn offset_of(text: &str) -> Option<Duration> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    match (number(hours)?, number(minutes)?) {
        (hours @ ..24, minutes @ ..60) => Some(Duration::from_mins(hours * 60 + minutes)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;

    #[test]
    fn times_of_rfc_3339_are_read() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-01-31T09:30:00Z", Some(1_769_851_800_000)),
            ("2026-01-31t09:30:00z", Some(1_769_851_800_000)),
            ("2026-01-31T10:30:00+01:00", Some(1_769_851_800_000)),
            ("2026-01-31T04:00:00.250-05:30", Some(1_769_851_800_250)),
            ("2026-01-31T09:30:00+00:00", Some(1_769_851_800_000)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800_000)),
            ("2025-02-29T00:00:00Z", None),
            ("2026-01-31T24:00:00Z", None),
            ("2026-01-31T09:30:00", None),
            ("2026-01-31 09:30:00Z", None),
            ("2026-01-31T09:30Z", None),
            ("2026-01-31", None),
            ("2026-01-31T09:30:00.Z", None),
            ("2026-01-31T09:30:00ZZ", None),
            ("2026-01-31T09:30:00+1:00", None),
            ("2026-01-31T09:30:00+24:00", None),
            ("2026-01-31T09:30:00+01:60", None),
            ("2026-01-31T09:30:00*01:00", None),
            ("1769851800", None),
            ("now", None),
            ("", None),
            ("é2026-01-31T09:30:00", None),
            ("1969-12-31T23:59:59Z", None),
            ("1970-01-01T00:00:00+00:01", None),
            ("2300-01-01T00:00:00Z", None),
            ("9999-12-31T23:59:59Z", None),
        ];
        for (text, millis) in cases {
            let time = parse(text).ok();
            let expected =
                millis.map(|millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
            assert_eq!(time, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_an_error(text in "[0-9TtZz:.+ -]{0,40}", other in arbitrary::bytes()) {
            for text in [&*text, &*String::from_utf8_lossy(&other)] {
                if let Ok(time) = parse(text) {
                    prop_assert!(time >= SystemTime::UNIX_EPOCH);
                }
            }
        }

        #[test]
        fn times_are_read_as_they_are_written(nanos in 0..9_000_000_000_000_000_000_u64) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
            let text = humantime::format_rfc3339_nanos(time).to_string();
            prop_assert_eq!(parse(&text), Ok(time));
        }
    }
}
