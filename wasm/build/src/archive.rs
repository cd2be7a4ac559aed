//! The standard library's archive: its layout, which `wasm/guest/modules/archive.c` reads, and its place in
//! the module.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{DataCountSection, DataSection, Module, RawSection, SectionId};
use wasmparser::{Parser, Payload};

/// Files by path. Paths are relative and have no NUL.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The archive of `files` as bytes.
pub fn pack(files: &Files) -> Result<Vec<u8>> {
    let names_size: usize = files.keys().map(|name| name.len() + 1).sum();
    let data_start = 8 + 12 * files.len() + names_size;
    let (mut offsets, mut names) = (Vec::new(), Vec::new());
    let (mut locations, mut data) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        offsets.extend(number(names.len())?);
        names.extend(name.as_bytes());
        names.push(0);
        locations.extend(number(data_start + data.len())?);
        locations.extend(number(bytes.len())?);
        data.extend(bytes);
    }
    let head = [number(files.len())?, number(names_size)?].concat();
    Ok([head, offsets, names, locations, data].concat())
}

fn number(number: usize) -> Result<[u8; 4]> {
    Ok(u32::try_from(number)
        .context("the archive is too large")?
        .to_le_bytes())
}

/// The files in an archive.
pub fn unpack(archive: &[u8]) -> Result<Files> {
    let bytes = |at: usize, size: usize| {
        at.checked_add(size)
            .and_then(|end| archive.get(at..end))
            .context("the archive is cut off")
    };
    let number =
        |at: usize| -> Result<usize> { Ok(u32::from_le_bytes(bytes(at, 4)?.try_into()?) as usize) };
    let (count, names) = (number(0)?, 8 + 4 * number(0)?);
    let locations = names + number(4)?;
    let file = |index: usize| {
        let name = bytes(names, number(4)?)?
            .get(number(8 + 4 * index)?..)
            .and_then(|names| names.split(|byte| *byte == 0).next())
            .context("the archive's names are cut off")?;
        let location = locations + 8 * index;
        let data = bytes(number(location)?, number(location + 4)?)?;
        Ok((String::from_utf8(name.to_owned())?, data.to_owned()))
    };
    (0..count).map(file).collect()
}

/// Puts `archive` into `module` as a passive data segment, the first of all. Nothing else in the
/// module refers to segments by number, so those that were there may move up.
pub fn embed(module: &[u8], archive: &[u8]) -> Result<Vec<u8>> {
    put_first(module, archive, 0)
}

/// Puts `archive` in the place of the one that `embed` has put into `module`.
pub fn replace(module: &[u8], archive: &[u8]) -> Result<Vec<u8>> {
    put_first(module, archive, 1)
}

/// Puts `archive` in the place of the first segments, as many as `replaced`.
fn put_first(module: &[u8], archive: &[u8], replaced: u32) -> Result<Vec<u8>> {
    let mut output = Module::new();
    let mut embedded = false;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        match &payload {
            Payload::DataCountSection { .. } => {}
            Payload::CodeSectionStart { range, .. } => {
                let segments = data_segments(module)?;
                output.section(&DataCountSection {
                    count: segments + 1 - replaced,
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
                for segment in reader.clone().into_iter().skip(replaced as usize) {
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

    #[test]
    fn what_is_packed_can_be_found() -> Result<()> {
        let files: Files = [("b.py", "two"), ("a/b.py", ""), ("a.py", "one")]
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
            .into();
        let archive = pack(&files)?;
        assert_eq!(unpack(&archive)?, files);
        assert_eq!(unpack(&pack(&Files::new())?)?, Files::new());
        for size in 0..archive.len() {
            assert!(unpack(&archive[..size]).is_err(), "{size}");
        }
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
        assert_eq!(segments(&embedded)?, ["archive", "static"]);
        let replaced = replace(&embedded, b"another")?;
        assert_eq!(segments(&replaced)?, ["another", "static"]);
        Ok(())
    }

    fn segments(module: &[u8]) -> Result<Vec<String>> {
        let mut segments = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            if let Payload::DataSection(reader) = payload? {
                for segment in reader {
                    segments.push(String::from_utf8(segment?.data.to_vec())?);
                }
            }
        }
        Ok(segments)
    }
}
