//! License texts, collected from the sources of the software in the image.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Part;
use crate::project;

/// Writes the texts of each part to a directory of its own, and a list of all parts.
pub fn write(parts: &[Part], directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)
            .with_context(|| format!("clearing {}", directory.display()))?;
    }
    let mut list = String::from(
        "What this image holds, and under which licenses. The texts are beside this file.\n\n",
    );
    for part in parts {
        writeln!(list, "{} {}: {}", part.name, part.version, part.license)?;
        let own = directory.join(format!("{}-{}", part.name, part.version));
        fs::create_dir_all(&own)?;
        for (name, text) in &part.texts {
            fs::write(own.join(name), text)?;
        }
    }
    fs::write(directory.join("LIST.txt"), list)?;
    fs::copy(project::root().join("LICENSE"), directory.join("LICENSE"))?;
    Ok(())
}
