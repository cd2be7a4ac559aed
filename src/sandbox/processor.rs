//! The processor: whether it has the instructions that the interpreter's machine code uses.

use anyhow::{Result, ensure};

/// Checks this processor against the baseline of `python.cwasm` (`BASELINE` in wasm/build/src/precompile.rs).
///
/// # Errors
/// When it lacks something; the message says so.
pub fn check() -> Result<()> {
    require(&features())
}

/// The baseline's features by their usual names, and whether they are there.
#[cfg(target_arch = "x86_64")]
fn features() -> [(&'static str, bool); 5] {
    [
        ("SSE3", is_x86_feature_detected!("sse3")),
        ("SSSE3", is_x86_feature_detected!("ssse3")),
        ("SSE4.1", is_x86_feature_detected!("sse4.1")),
        ("SSE4.2", is_x86_feature_detected!("sse4.2")),
        ("POPCNT", is_x86_feature_detected!("popcnt")),
    ]
}

/// On other architectures every processor has what is used.
#[cfg(not(target_arch = "x86_64"))]
fn features() -> [(&'static str, bool); 0] {
    []
}

fn require(features: &[(&str, bool)]) -> Result<()> {
    let missing = features.iter().filter(|(_, present)| !present);
    let missing: Vec<_> = missing.map(|(name, _)| *name).collect();
    ensure!(
        missing.is_empty(),
        "this processor lacks {}; the service needs x86-64-v2, which server processors have had since 2009, and \
         emulators and virtual machines may have to be told to offer",
        missing.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_without_the_baseline_is_rejected_by_name() {
        let error = require(&[("SSE3", true), ("SSE4.2", false), ("POPCNT", false)]);
        let text = error.map_err(|error| error.to_string()).unwrap_err();
        assert!(
            text.starts_with("this processor lacks SSE4.2, POPCNT; "),
            "{text}"
        );
        assert!(require(&[("SSE3", true)]).is_ok());
    }
}
