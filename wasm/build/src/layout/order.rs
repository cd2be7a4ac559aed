//! Puts functions into another order, wherever they are named.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, FunctionSection, NameMap, NameSection};
use wasmparser::{CodeSectionReader, FunctionSectionReader, ImportSectionReader, Name, TypeRef};

/// The order of the functions with code.
pub struct Pass {
    imported: u32,
    /// The old number of each function, and the new one.
    old: Vec<u32>,
    new: Vec<u32>,
}

impl Pass {
    /// Of `functions` functions those of `first` come first, each of which must be there once.
    pub fn new(first: &[u32], functions: u32) -> Self {
        let mut new = vec![u32::MAX; functions as usize];
        let mut old = first.to_vec();
        for (place, function) in (0..).zip(first) {
            new[*function as usize] = place;
        }
        for (function, place) in (0..).zip(&mut new) {
            if *place == u32::MAX {
                *place = old.len() as u32;
                old.push(function);
            }
        }
        Self {
            imported: 0,
            old,
            new,
        }
    }
}

impl Reencode for Pass {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        Ok(match function.checked_sub(self.imported) {
            Some(number) => self.imported + self.new[number as usize],
            None => function,
        })
    }

    fn parse_import_section(
        &mut self,
        imports: &mut wasm_encoder::ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), Error> {
        for import in section.clone().into_imports() {
            self.imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
        }
        utils::parse_import_section(self, imports, section)
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        let types = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for number in &self.old {
            functions.function(types[*number as usize]);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error> {
        let bodies = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for number in self.old.clone() {
            self.parse_function_body(code, bodies[number as usize].clone())?;
        }
        Ok(())
    }

    fn parse_custom_name_subsection(
        &mut self,
        names: &mut NameSection,
        section: Name<'_>,
    ) -> Result<(), Error> {
        let Name::Function(functions) = section else {
            return utils::parse_custom_name_subsection(self, names, section);
        };
        let mut sorted = Vec::new();
        for function in functions {
            let function = function?;
            sorted.push((self.function_index(function.index)?, function.name));
        }
        sorted.sort_unstable();
        let mut map = NameMap::new();
        for (index, name) in sorted {
            map.append(index, name);
        }
        names.functions(&map);
        Ok(())
    }
}
