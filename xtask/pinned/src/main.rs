//! Downloads all that the build of CPython needs: `cargo run --release --package pinned`.

use anyhow::Result;
use pinned::checkout;

fn main() -> Result<()> {
    let work = checkout::target().join("python");
    pinned::fetch_all(&checkout::root().join("wasm"), &work)
}
