//! Checks that CPython's functions have the types that it calls them with.
//!
//! WebAssembly checks the type of every call through a table and traps on a difference; on other
//! platforms the same mistake goes unnoticed, so CPython has some. The guest lists the functions in its
//! types, methods and modules (`wasm/guest/build/functions.c`), and the module says which types they have.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use wasmparser::{
    CompositeInnerType, ElementItems, ElementKind, KnownCustom, Name, Operator, Parser, Payload,
    TypeRef, ValType,
};

use crate::guest::Guest;

/// Bytes of a `struct use` of functions.c: five words.
const USE: usize = 20;

/// How a function is called. All parameters and results are 32-bit integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    parameters: u32,
    results: u32,
}

/// The functions of a module.
#[derive(Default)]
struct Functions {
    /// The shape of each type; `None` where a parameter is no 32-bit integer.
    types: Vec<Option<Shape>>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    /// The names of functions, by number.
    names: Vec<(u32, String)>,
    /// The function at each place of the table.
    table: Vec<Option<u32>>,
}

/// Compares the functions that `guest` lists with those of `module`, of which it is an instance.
pub fn check(module: &[u8], guest: &mut Guest) -> Result<()> {
    let functions = Functions::of(module)?;
    let count = guest.function::<(), u32>("list_functions")?;
    let count = count.call(&mut guest.store, ())?;
    let start = guest.function::<(), u32>("functions_ptr")?;
    let start = start.call(&mut guest.store, ())?;
    let listed = guest.read(start, count * u32::try_from(USE)?)?;
    let mut wrong = BTreeSet::new();
    for entry in listed.chunks_exact(USE) {
        let word = |at: usize| {
            let bytes = entry.iter().skip(4 * at).take(4).rev();
            bytes.fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
        };
        let shape = Shape {
            parameters: word(3),
            results: word(4),
        };
        if let Some(problem) = functions.problem(word(0), shape) {
            let (owner, slot) = (guest.text(word(1))?, guest.text(word(2))?);
            wrong.insert(format!("{slot} of {owner}: {problem}"));
        }
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    ensure!(
        wrong.is_empty(),
        "these functions would trap, edit them (wasm/edits):\n{}",
        wrong.join("\n")
    );
    ensure!(count > 5000, "the guest lists only {count} functions");
    Ok(())
}

impl Functions {
    fn of(module: &[u8]) -> Result<Self> {
        let mut found = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(groups) => {
                    for group in groups {
                        for inner in group?.into_types() {
                            found.types.push(shape(&inner.composite_type.inner));
                        }
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        if let TypeRef::Func(index) = import?.ty {
                            found.functions.push(index);
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    for index in section {
                        found.functions.push(index?);
                    }
                }
                Payload::ElementSection(section) => {
                    for element in section {
                        found.fill_table(element?)?;
                    }
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        found.read_names(names)?;
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn fill_table(&mut self, element: wasmparser::Element<'_>) -> Result<()> {
        let (ElementKind::Active { offset_expr, .. }, ElementItems::Functions(items)) =
            (element.kind, element.items)
        else {
            return Ok(());
        };
        let offset = match offset_expr.get_operators_reader().read()? {
            Operator::I32Const { value } => usize::try_from(value)?,
            other => anyhow::bail!("the table is filled from {other:?}"),
        };
        for (at, function) in items.into_iter().enumerate() {
            if self.table.len() <= offset + at {
                self.table.resize(offset + at + 1, None);
            }
            self.table[offset + at] = Some(function?);
        }
        Ok(())
    }

    fn read_names(&mut self, names: wasmparser::NameSectionReader<'_>) -> Result<()> {
        for name in names {
            if let Name::Function(functions) = name? {
                for function in functions {
                    let function = function?;
                    self.names.push((function.index, function.name.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Says what is wrong with calling the function at `place` of the table with `shape`.
    fn problem(&self, place: u32, shape: Shape) -> Option<String> {
        let function = self.table.get(place as usize).copied().flatten();
        let Some(function) = function else {
            return Some(format!("there is no function at {place} of the table"));
        };
        let type_index = *self.functions.get(function as usize)?;
        let is = self.types.get(type_index as usize).copied().flatten();
        if is == Some(shape) {
            return None;
        }
        let name = self.names.iter().find(|(index, _)| *index == function);
        let name = name.map_or("a function without a name", |(_, name)| name);
        Some(format!("{name} has {is:?} and is called with {shape:?}"))
    }
}

fn shape(inner: &CompositeInnerType) -> Option<Shape> {
    let CompositeInnerType::Func(function) = inner else {
        return None;
    };
    let mut all = function.params().iter().chain(function.results());
    all.all(|value| *value == ValType::I32).then(|| Shape {
        parameters: function.params().len() as u32,
        results: function.results().len() as u32,
    })
}

impl Guest {
    /// The text that ends with a zero byte at `start`.
    fn text(&self, start: u32) -> Result<String> {
        let mut text = Vec::new();
        for at in start.. {
            match self.read(at, 1)?.first() {
                Some(0) => break,
                byte => text.push(*byte.context("the text has no end")?),
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guest that lists one function, as called with two parameters and one result.
    fn guest(function: &str) -> Result<Vec<u8>> {
        let text = format!(
            r#"(module
                (memory (export "memory") 2)
                (table 2 funcref)
                (elem (i32.const 1) $traverse)
                (func $traverse {function})
                (func (export "list_functions") (result i32) (i32.const 5001))
                (func (export "functions_ptr") (result i32) (i32.const 64))
                (func (export "fill") (local $at i32)
                    (loop $next
                        (memory.copy (i32.add (i32.const 64) (local.get $at)) (i32.const 0) (i32.const 20))
                        (local.set $at (i32.add (local.get $at) (i32.const 20)))
                        (br_if $next (i32.lt_u (local.get $at) (i32.const 100020)))))
                (data (i32.const 0) "\01\00\00\00\14\00\00\00\1a\00\00\00\02\00\00\00\01\00\00\00owner\00slot\00"))"#
        );
        Ok(wat::parse_str(text)?)
    }

    fn checked(function: &str) -> Result<()> {
        let module = guest(function)?;
        let mut guest = Guest::start(&module)?;
        guest.call_once("fill")?;
        check(&module, &mut guest)
    }

    #[test]
    fn a_function_of_the_right_type_passes() -> Result<()> {
        checked("(param i32 i32) (result i32) (i32.const 0)")
    }

    #[test]
    fn a_function_of_another_type_is_named() {
        for function in [
            "(param i32 i32)",
            "(param i32) (result i32) (i32.const 0)",
            "(param i32 i64) (result i32) (i32.const 0)",
        ] {
            let error = checked(function).err().map(|error| error.to_string());
            let error = error.unwrap_or_default();
            assert!(error.contains("slot of owner: traverse has"), "{error}");
        }
    }
}
