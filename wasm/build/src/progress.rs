//! Progress on the terminal, shared with the downloads.

pub use pinned::progress::{count_bar, step};
