//! Downloads what the build of CPython needs: `cargo run --release --package pinned`.

use std::path::Path;

use anyhow::Result;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    pinned::bring_all(&root.join("wasm"), &root.join("target/python"))
}
