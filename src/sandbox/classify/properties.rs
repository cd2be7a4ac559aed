//! Properties of the classification for any reply of a guest.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::arbitrary;

fn text() -> impl Strategy<Value = Text> {
    let long = (arbitrary::bytes(), 0..2 * MAX_LINE)
        .prop_map(|(bytes, length)| bytes.into_iter().cycle().take(length).collect());
    prop_oneof![
        1 => Just(None),
        8 => arbitrary::bytes().prop_map(Some),
        8 => long.prop_map(Some),
    ]
    .prop_map(|bytes| bytes.map_or(Text::TooLong, Text::Bytes))
}

proptest! {
    #[test]
    fn a_guest_is_never_the_service_at_fault(
        number in 0..9_u32,
        text in text(),
        is_cell in any::<bool>(),
    ) {
        let Some(status) = Status::from_number(number) else {
            prop_assert!(number > 6);
            return Ok(());
        };
        match from_reply(Reply { status, text }, is_cell, &Limits::default()) {
            Ok(_) => prop_assert_eq!(status, Status::Result),
            Err(failure) => {
                prop_assert!(!matches!(failure, Failure::Internal(_)));
                let line = failure.to_string();
                prop_assert!(!line.contains(['\n', '\r']), "{line:?}");
                prop_assert!(line.len() <= MAX_LINE + 100, "{} bytes", line.len());
            }
        }
    }

    #[test]
    fn a_line_is_the_first_one(
        start in "[^\r\n]{0,20}",
        rest in select(&["", "\n", "\r", "\r\nmore"][..]),
        times in 0..400_usize,
    ) {
        let first = start.repeat(times);
        let line = line(format!("{first}{rest}").as_bytes());
        if first.len() <= MAX_LINE {
            prop_assert_eq!(line, first);
        } else {
            let kept = first.floor_char_boundary(MAX_LINE);
            prop_assert_eq!(line, format!("{}…", &first[..kept]));
        }
    }
}
