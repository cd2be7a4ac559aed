//! Lays out code as it will lie in the guest's memory, so that an import reads nothing.

use std::path::Path;

use anyhow::{Context, Result};

use crate::archive;
use crate::cache::cached;
use crate::digest::Fingerprint;
use crate::functions;
use crate::guest::Guest;

/// The `snapshot` of a guest with `archive`, in which the code of each module that the snapshot has
/// not imported is frozen. Frozen code refers to what is in this snapshot, so the guest itself makes
/// it (`wasm/guest/build/freeze.c`).
pub fn run(snapshot: &[u8], archive: &[u8], work: &Path) -> Result<Vec<u8>> {
    let mut fingerprint = Fingerprint::default();
    fingerprint
        .add(snapshot)
        .add(include_str!("freeze.rs"))
        .add(include_str!("functions.rs"))
        .add(include_str!("archive.rs"));
    cached(work, "frozen.wasm", &fingerprint, || {
        archive::replace(snapshot, &freeze(snapshot, archive)?)
    })
}

fn freeze(snapshot: &[u8], archive: &[u8]) -> Result<Vec<u8>> {
    let mut guest = Guest::start(snapshot)?;
    let freeze = guest.function::<u32, u32>("freeze")?;
    let frozen_ptr = guest.function::<(), u32>("frozen_ptr")?;
    let mut files = archive::unpack(archive)?;
    for (number, (path, data)) in files.iter_mut().enumerate() {
        let size = freeze
            .call(&mut guest.store, u32::try_from(number)?)
            .map_err(anyhow::Error::from)
            .with_context(|| format!("freezing {path}"))?;
        if size > 0 {
            let start = frozen_ptr.call(&mut guest.store, ())?;
            *data = guest.read(start, size)?;
        }
    }
    // Last, because it imports modules. Here, because the guest has been started.
    functions::check(snapshot, &mut guest)?;
    archive::pack(&files)
}
