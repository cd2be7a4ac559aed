//! Properties of settings parsed from arbitrary text.

use std::time::Duration;

use clap::CommandFactory;
use proptest::prelude::*;
use proptest::sample::select;

use super::tests::{RESOURCES, parse};
use super::values::*;
use super::*;

/// Text that may or may not look like a setting.
fn text() -> impl Strategy<Value = String> {
    let number = "[-+ ]{0,1}[0-9]{0,25}[.]{0,1}[0-9]{0,5}([eE][0-9]{1,4})?[ ]{0,1}";
    let unit = "(|[kKMGTPE]i?[bB]?|b|ms|s|m|min|h|days?|y|years?|ns|us|µs|%|inf|nan|NaN)";
    prop_oneof![
        (number, unit).prop_map(|(number, unit)| number + &unit),
        ("[0-9]{1,6}", unit, "[0-9]{1,3}", unit).prop_map(|(a, b, c, d)| format!("{a}{b} {c}{d}")),
        select(
            &[
                "inf", "NaN", "Infinity", "infMB", "NaNGiB", "1_000", "0x10", "٣MB", "１"
            ][..]
        )
        .prop_map(str::to_owned),
        prop::collection::vec(any::<char>(), 0..9).prop_map(String::from_iter),
        "[\n\r\t\u{1b} ]{0,9}(Usage: |For more information)?[\n\r\t\u{1b} ]{0,9}",
    ]
}

/// All flags.
fn flags() -> Vec<String> {
    let command = Config::command();
    let longs = command.get_arguments().filter_map(clap::Arg::get_long);
    longs.map(|long| format!("--{long}")).collect()
}

proptest! {
    #[test]
    fn any_text_is_in_range_or_rejected(text in text()) {
        if let Ok(bytes) = size(&text) {
            prop_assert!((1..=1 << 40).contains(&bytes));
        }
        if let Ok(bytes) = memory_size(&text) {
            prop_assert!((MIN_MEMORY..=MAX_MEMORY).contains(&bytes));
        }
        if let Ok(time) = duration(&text) {
            prop_assert!(time <= MAX_DURATION);
            prop_assert_eq!(positive_duration(&text).is_ok(), !time.is_zero());
        }
        if let Ok(number) = count(&text) {
            prop_assert!((1..=MAX_COUNT).contains(&i64::from(number)));
        }
        if let Ok(number) = entries(&text) {
            prop_assert!((1..=MAX_ENTRIES).contains(&number));
        }
    }

    #[test]
    fn any_setting_is_accepted_or_rejected_in_one_line_that_names_it(
        flag in select(flags()),
        text in text(),
    ) {
        // The file need not exist to be a path.
        let paths = ["--python"];
        if let Err(line) = parse(&[&format!("{flag}={text}")], RESOURCES) {
            prop_assert!(!paths.contains(&&*flag) || text.is_empty(), "{line}");
            let name = flag[2..].to_uppercase().replace('-', "_");
            prop_assert!(line.contains(&name), "{line}");
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }

    #[test]
    fn sizes_are_read_as_they_are_written(bytes in 1..=1_usize << 40) {
        prop_assert_eq!(size(&bytes.to_string()), Ok(bytes));
        prop_assert_eq!(size(&format!("{bytes}B")), Ok(bytes));
        for (unit, factor) in [("kB", 1_000), ("MB", 1_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20)] {
            let number = bytes / factor;
            let read = size(&format!("{number}{unit}")).ok();
            prop_assert_eq!(read, Some(number * factor).filter(|size| *size > 0));
        }
    }

    #[test]
    fn durations_are_read_as_they_are_written(nanos in 1..=MAX_DURATION.as_nanos()) {
        let time = Duration::from_nanos(u64::try_from(nanos)?);
        prop_assert_eq!(positive_duration(&humantime::format_duration(time).to_string()), Ok(time));
        let millis = Duration::from_millis(u64::try_from(time.as_millis())?);
        prop_assert_eq!(duration(&format!("{}ms", time.as_millis())), Ok(millis));
    }
}
