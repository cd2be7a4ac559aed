//! Static keys.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::config::Secret;

/// The digests of the keys. All have the same length, so comparing them tells nothing about the keys.
pub(super) struct Keys(Vec<[u8; 32]>);

impl Keys {
    pub(super) fn new(keys: &[Secret]) -> Self {
        Self(keys.iter().map(|key| digest(key.reveal())).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of the key that `token` is. How long this takes does not tell which one it is, or
    /// how much of it is right.
    pub(super) fn find(&self, token: &str) -> Option<usize> {
        let given = digest(token);
        let (mut found, mut number) = (Choice::from(0), 0_u64);
        for (index, key) in (0_u64..).zip(&self.0) {
            let same = key.ct_eq(&given);
            number.conditional_assign(&index, same);
            found |= same;
        }
        let number = usize::try_from(number).ok()?;
        bool::from(found).then_some(number)
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_found_and_nothing_else() {
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
