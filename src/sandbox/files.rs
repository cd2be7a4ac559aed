//! Files that go into and come out of a run's working directory.

use std::fmt;

use bytes::Bytes;

/// Another name of the working directory, for scripts and requests: language models write it by habit.
pub const DATA_DIRECTORY: &str = "/mnt/data";

/// Bytes of a path and of one of its components; those of Linux.
const MAX_PATH: usize = 4095;
const MAX_COMPONENT: usize = 255;

/// A path below the working directory, normalized: without empty components, `.` and `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(String);

/// The reason why a text is not a path below the working directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing is left of it after normalization.
    #[error("it names no file")]
    Empty,
    /// It begins with a slash and is not below [`DATA_DIRECTORY`].
    #[error("it is absolute: use a path relative to the working directory, or one below /mnt/data")]
    Absolute,
    /// It contains `..`.
    #[error("it contains '..'")]
    Parent,
    /// It ends with a slash.
    #[error("it ends with '/', so it names a directory")]
    Directory,
    /// It contains NUL.
    #[error("it contains a NUL character")]
    Nul,
    /// It or one of its components is too long.
    #[error("it is too long: a path may have {MAX_PATH} bytes, each of its names {MAX_COMPONENT}")]
    TooLong,
}

impl FilePath {
    /// Normalizes `path`.
    ///
    /// # Errors
    /// When it does not name a file below the working directory.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let relative = match path.strip_prefix(DATA_DIRECTORY) {
            Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/'),
            _ if path.starts_with('/') => return Err(PathError::Absolute),
            _ => path,
        };
        if relative.contains('\0') {
            return Err(PathError::Nul);
        }
        if relative.ends_with('/') {
            return Err(PathError::Directory);
        }
        let components = relative
            .split('/')
            .filter(|component| !matches!(*component, "" | "."));
        let mut normalized = String::with_capacity(relative.len());
        for component in components {
            if component == ".." {
                return Err(PathError::Parent);
            }
            if component.len() > MAX_COMPONENT {
                return Err(PathError::TooLong);
            }
            if !normalized.is_empty() {
                normalized.push('/');
            }
            normalized.push_str(component);
        }
        if normalized.is_empty() || relative.ends_with("/.") {
            return Err(PathError::Empty);
        }
        if normalized.len() > MAX_PATH {
            return Err(PathError::TooLong);
        }
        Ok(Self(normalized))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directories above the file, the outermost first.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(end, _)| &self.0[..end])
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file for the working directory.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// Its path.
    pub path: FilePath,
    /// Its contents.
    pub contents: Bytes,
}

/// A file that a script made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Its path below the working directory.
    pub path: String,
    /// Its contents, or its size in bytes when there was no room for them in the limit.
    pub contents: Result<Vec<u8>, u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalized() {
        let cases = [
            ("a", "a"),
            ("a/b.txt", "a/b.txt"),
            ("./a//b/./c", "a/b/c"),
            ("/mnt/data/sales.csv", "sales.csv"),
            ("/mnt/data//x/y", "x/y"),
            ("mnt/data/x", "mnt/data/x"),
            ("...", "..."),
            ("é ü", "é ü"),
        ];
        for (path, expected) in cases {
            let parsed = FilePath::parse(path);
            assert_eq!(parsed.as_ref().map(FilePath::as_str), Ok(expected));
        }
    }

    #[test]
    fn other_paths_are_rejected() {
        let long = "x".repeat(256);
        let deep = "x/".repeat(2048) + "x";
        let cases = [
            ("", PathError::Empty),
            (".", PathError::Empty),
            ("a/.", PathError::Empty),
            ("a/", PathError::Directory),
            ("/mnt/data/", PathError::Empty),
            ("/mnt/data", PathError::Absolute),
            ("/mnt/database", PathError::Absolute),
            ("/etc/passwd", PathError::Absolute),
            ("//x", PathError::Absolute),
            ("..", PathError::Parent),
            ("a/../b", PathError::Parent),
            ("/mnt/data/../x", PathError::Parent),
            ("a\0b", PathError::Nul),
            (&long, PathError::TooLong),
            (&deep, PathError::TooLong),
        ];
        for (path, error) in cases {
            assert_eq!(FilePath::parse(path), Err(error), "{path}");
        }
    }

    #[test]
    fn parents_come_from_the_outside() {
        let path = FilePath::parse("a/b/c");
        let parents = path.map(|path| path.parents().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(parents, Ok(vec!["a".to_owned(), "a/b".to_owned()]));
    }
}
