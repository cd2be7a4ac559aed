//! SHA-256, as names and as checks.

use std::path::Path;

use anyhow::Result;
use pinned::hex;
pub use pinned::sha256;
use sha2::{Digest, Sha256};

/// The length of a fingerprint's name.
pub const NAME_LENGTH: usize = 32;

/// A digest over several parts. Each part is set apart from the next by its length.
#[derive(Default, Clone)]
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
        name.truncate(NAME_LENGTH);
        name
    }
}

/// Returns the digest of all files under a directory.
pub fn directory_digest(directory: &Path) -> Result<String> {
    let mut files: Vec<_> =
        glob::glob(&directory.join("**/*").to_string_lossy())?.collect::<Result<_, _>>()?;
    files.retain(|file| file.is_file());
    files.sort();
    let mut digest = Fingerprint::default();
    for file in files {
        digest
            .add(file.strip_prefix(directory)?.to_string_lossy().as_bytes())
            .add(std::fs::read(&file)?);
    }
    Ok(digest.name())
}
