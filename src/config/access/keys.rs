//! Settings for static keys.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

/// Minimum length of a key: that of 128 random bits in hexadecimal.
const MIN_KEY_LENGTH: usize = 32;

/// Sources of keys.
#[derive(Debug, Clone, Args)]
pub(super) struct KeySettings {
    /// File with keys. Callers send one as `Authorization: Bearer KEY`.
    ///
    /// One key per line, of at least 32 characters; lines that begin with # are comments. All keys are valid,
    /// so that a new key can replace an old one without a gap.
    #[arg(long, env)]
    api_keys_file: Option<PathBuf>,

    /// The keys themselves, separated by commas. Avoid the flag: other users can see command lines.
    #[arg(long, env, hide_env_values = true)]
    api_keys: Option<Secret>,
}

/// Text that never appears in a log.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("...")
    }
}

impl KeySettings {
    /// All keys.
    pub(super) fn read(&self) -> Result<Vec<Secret>, String> {
        let mut keys = Vec::new();
        if let Some(path) = &self.api_keys_file {
            keys.extend(in_file(path)?);
        }
        if let Some(list) = &self.api_keys {
            for (index, text) in list.reveal().split(',').enumerate() {
                let place = format!("key {} of API_KEYS", index + 1);
                keys.push(key(text.trim(), &place)?);
            }
        }
        Ok(keys)
    }
}

fn in_file(path: &Path) -> Result<Vec<Secret>, String> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| format!("API_KEYS_FILE is {name}, which cannot be read: {error}"))?;
    let mut keys = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            let place = format!("line {} of API_KEYS_FILE ({name})", index + 1);
            keys.push(key(line, &place)?);
        }
    }
    if keys.is_empty() {
        return Err(format!("API_KEYS_FILE is {name}, which contains no key"));
    }
    Ok(keys)
}

/// Checks that a key is hard to guess and can be sent in a header. The error does not contain the key.
fn key(text: &str, place: &str) -> Result<Secret, String> {
    if text.len() < MIN_KEY_LENGTH {
        return Err(format!(
            "{place} is too short: it has {} characters and needs {MIN_KEY_LENGTH}; `openssl rand -hex 32` \
             makes a good one",
            text.len()
        ));
    }
    let sendable = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if !text.bytes().all(sendable) {
        return Err(format!(
            "{place} has characters that a bearer token cannot have: only letters, digits and -._~+/= \
             are allowed"
        ));
    }
    Ok(Secret(text.into()))
}
