//! The standard library's archive: its layout, which `wasm/guest/archive.c` reads, and its place in
//! the module.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{DataCountSection, DataSection, Module, RawSection, SectionId};
use wasmparser::{Parser, Payload};

/// Files by path. Paths are relative and have no NUL.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The archive of `files` as bytes.
///
/// # Errors
/// When it would be larger than 4 GiB.
pub fn pack(files: &Files) -> Result<Vec<u8>> {
    let names_size: usize = files.keys().map(|name| name.len() + 1).sum();
    let mut table: Vec<u8> = Vec::new();
    let mut names = Vec::with_capacity(names_size);
    let mut data: Vec<u8> = Vec::new();
    let data_start = 8 + 12 * files.len() + names_size;
    for number in [files.len(), names_size] {
        table.extend(u32::try_from(number)?.to_le_bytes());
    }
    for (name, bytes) in files {
        for number in [names.len(), data_start + data.len(), bytes.len()] {
            table.extend(
                u32::try_from(number)
                    .context("the archive is too large")?
                    .to_le_bytes(),
            );
        }
        names.extend(name.as_bytes());
        names.push(0);
        data.extend(bytes);
    }
    table.extend(names);
    table.extend(data);
    Ok(table)
}

/// Puts `archive` into `module` as a passive data segment, the first of all. Nothing else in the
/// module refers to segments by number, so those that were there may move up.
///
/// # Errors
/// When the module is malformed.
pub fn embed(module: &[u8], archive: &[u8]) -> Result<Vec<u8>> {
    let mut output = Module::new();
    let mut embedded = false;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        match &payload {
            Payload::DataCountSection { .. } => {}
            Payload::CodeSectionStart { range, .. } => {
                let segments = data_segments(module)?;
                output.section(&DataCountSection {
                    count: segments + 1,
                });
                output.section(&RawSection {
                    id: SectionId::Code as u8,
                    data: &module[range.clone()],
                });
            }
            Payload::CodeSectionEntry(_) => {}
            Payload::DataSection(reader) => {
                let mut section = DataSection::new();
                section.passive(archive.iter().copied());
                for segment in reader.clone() {
                    RoundtripReencoder.parse_data(&mut section, segment?)?;
                }
                output.section(&section);
                embedded = true;
            }
            _ => {
                if let Some((id, range)) = payload.as_section() {
                    output.section(&RawSection {
                        id,
                        data: &module[range],
                    });
                }
            }
        }
    }
    ensure!(embedded, "the module has no data section");
    Ok(output.finish())
}

fn data_segments(module: &[u8]) -> Result<u32> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::DataSection(reader) = payload? {
            return Ok(reader.count());
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads an archive as `archive.c` does.
    fn unpack(archive: &[u8]) -> Files {
        let number = |at: usize| {
            let bytes = archive[at..at + 4].try_into().unwrap_or_default();
            u32::from_le_bytes(bytes) as usize
        };
        let names = 8 + 12 * number(0);
        let entry = |at: usize| {
            let name: Vec<u8> = archive[names + number(at)..]
                .iter()
                .copied()
                .take_while(|byte| *byte != 0)
                .collect();
            let (start, size) = (number(at + 4), number(at + 8));
            (
                String::from_utf8_lossy(&name).into_owned(),
                archive[start..start + size].to_vec(),
            )
        };
        (0..number(0)).map(|index| entry(8 + 12 * index)).collect()
    }

    #[test]
    fn what_is_packed_can_be_found() -> Result<()> {
        let files: Files = [("b.py", "two"), ("a/b.py", ""), ("a.py", "one")]
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
            .into();
        assert_eq!(unpack(&pack(&files)?), files);
        assert_eq!(unpack(&pack(&Files::new())?), Files::new());
        Ok(())
    }

    #[test]
    fn the_archive_becomes_the_first_segment() -> Result<()> {
        let mut module = Module::new();
        let mut memories = wasm_encoder::MemorySection::new();
        memories.memory(wasm_encoder::MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        module.section(&memories);
        let mut data = DataSection::new();
        data.active(0, &wasm_encoder::ConstExpr::i32_const(16), *b"static");
        module.section(&data);
        let embedded = embed(&module.finish(), b"archive")?;
        let mut segments = Vec::new();
        for payload in Parser::new(0).parse_all(&embedded) {
            if let Payload::DataSection(reader) = payload? {
                for segment in reader {
                    segments.push(segment?.data.to_vec());
                }
            }
        }
        assert_eq!(segments, [b"archive".to_vec(), b"static".to_vec()]);
        Ok(())
    }
}
