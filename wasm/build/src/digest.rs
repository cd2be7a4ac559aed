//! SHA-256, as names and as checks.

use pinned::hex;
pub use pinned::sha256;
use sha2::{Digest, Sha256};

/// A digest over several parts. Each part is set apart from the next by its length.
#[derive(Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Adds a part.
    pub fn add(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// The digest, short enough for a file name and long enough to be one of a kind.
    pub fn name(&self) -> String {
        let mut name = hex(&self.0.clone().finalize());
        name.truncate(32);
        name
    }
}
