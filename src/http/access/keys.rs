//! Static API keys.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::config::Secret;

/// The digests of the keys. They have the same length, so comparing them reveals nothing about the keys.
pub(super) struct Keys(Vec<[u8; 32]>);

impl Keys {
    pub(super) fn new(keys: &[Secret]) -> Self {
        Self(keys.iter().map(|key| digest(key.reveal())).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the index of the key that equals `token`, in constant time: the duration does not reveal
    /// which key it is, or how long the matching prefix is.
    pub(super) fn find(&self, token: &str) -> Option<usize> {
        let given = digest(token);
        let (mut found, mut found_index) = (Choice::from(0), 0_u64);
        for (index, key) in (0_u64..).zip(&self.0) {
            let same = key.ct_eq(&given);
            found_index.conditional_assign(&index, same);
            found |= same;
        }
        let found_index = usize::try_from(found_index).ok()?;
        bool::from(found).then_some(found_index)
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_keys_are_found() {
        let texts = ["first", "second", "third"];
        let secrets = texts.map(|text| Secret::from(text.to_owned()));
        let keys = Keys::new(&secrets);
        for (number, text) in texts.iter().enumerate() {
            assert_eq!(keys.find(text), Some(number));
        }
        for text in ["", "firs", "first ", "FIRST", "firstsecond"] {
            assert_eq!(keys.find(text), None, "{text:?}");
        }
        assert_eq!(Keys::new(&[]).find(""), None);
    }
}
