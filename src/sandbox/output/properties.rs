//! Properties of the capture for any writes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn the_first_part_is_kept_whatever_the_writes(
        writes in vec(vec(any::<u8>(), 0..40), 0..10),
        limit in 0..200_usize,
    ) {
        let mut capture = Capture::new("stdout");
        capture.begin(limit, None);
        let mut written = Vec::new();
        for bytes in writes {
            written.extend_from_slice(&bytes);
            let taken = capture.write(Bytes::from(bytes));
            prop_assert_eq!(taken.is_ok(), written.len() <= limit);
            if taken.is_err() {
                // The run has ended.
                break;
            }
        }
        written.truncate(limit);
        prop_assert_eq!(capture.take_text(), String::from_utf8_lossy(&written));
    }
}
