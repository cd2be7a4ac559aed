//! Downloads what the build of CPython needs: `cargo run --release --package pinned`.

use std::env;
use std::path::Path;

use anyhow::Result;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    pinned::bring_all(&root.join("wasm"), &root.join(target).join("python"))
}
