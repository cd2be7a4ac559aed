//! Properties of reads for any address that a guest returns.

use proptest::prelude::*;

use super::*;

/// Sizes near the memory's, and any others.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0..300_u32, any::<u32>(), u32::MAX - 300..=u32::MAX]
}

proptest! {
    #[test]
    fn only_what_lies_in_memory_is_read(
        memory in prop::collection::vec(any::<u8>(), 0..200),
        start in number(),
        length in number(),
        most in prop_oneof![0..300_usize, Just(usize::MAX)],
    ) {
        let inside = u64::from(start) + u64::from(length) <= memory.len() as u64;
        match read(&memory, start, length, most) {
            Ok(Text::TooLong) => prop_assert!(length as usize > most),
            Ok(Text::Bytes(bytes)) => {
                prop_assert!(inside && bytes.len() == length as usize && bytes.len() <= most);
                prop_assert!(memory[start as usize..].starts_with(&bytes));
            }
            Err(AbiViolation) => prop_assert!(!inside),
        }
    }
}
