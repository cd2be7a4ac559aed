//! In place of `page_map` where there is no such table, or the kernel does not show it.

use std::io;
use std::ops::Range;

/// See `page_map`.
#[derive(Debug, Clone, Copy)]
pub enum Advice {
    Forget,
    MapForReading,
    MapForWriting,
}

/// There is none.
pub enum PageMap {}

impl PageMap {
    pub fn open() -> Option<Self> {
        None
    }

    pub fn written(&self, _addresses: Range<usize>) -> io::Result<Vec<Range<usize>>> {
        match *self {}
    }
}

/// Does nothing.
///
/// # Safety
/// It is safe.
#[expect(unsafe_code, reason = "as in `page_map`")]
pub unsafe fn advise(_stretches: &[Range<usize>], _advice: Advice) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not counted.
pub fn thread_page_faults() -> i64 {
    0
}
