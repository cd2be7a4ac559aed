//! Checks that memory is the only state of a module.
//!
//! A program between two calls is then its memory: a snapshot that holds that holds all of it. Tables, globals and
//! segments are as the module says, whatever has run.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use wasmparser::{KnownCustom, Name, Operator, Parser, Payload, TypeRef};

/// The one global that code may set. Each call gives it back the value that it had.
const STACK_POINTER: &str = "__stack_pointer";

/// Checks that no function of `module` changes anything but memory and the stack pointer.
pub fn check(module: &[u8]) -> Result<()> {
    let mut found = BTreeSet::new();
    let mut set = BTreeSet::new();
    let mut stack_pointer = None;
    let mut imported = BTreeSet::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if let (name, TypeRef::Global(_)) =
                        import.map(|import| (import.name, import.ty))?
                    {
                        imported.insert(name.to_owned());
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader()? {
                    match operator? {
                        Operator::GlobalSet { global_index } => {
                            set.insert(global_index);
                        }
                        Operator::TableSet { .. } => _ = found.insert("table.set"),
                        Operator::TableGrow { .. } => _ = found.insert("table.grow"),
                        Operator::TableFill { .. } => _ = found.insert("table.fill"),
                        Operator::TableCopy { .. } => _ = found.insert("table.copy"),
                        Operator::TableInit { .. } => _ = found.insert("table.init"),
                        Operator::ElemDrop { .. } => _ = found.insert("elem.drop"),
                        Operator::DataDrop { .. } => _ = found.insert("data.drop"),
                        _ => {}
                    }
                }
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    stack_pointer = stack_pointer.or(global(names)?);
                }
            }
            _ => {}
        }
    }
    ensure!(
        found.is_empty(),
        "the module has instructions that change more than memory: {found:?}"
    );
    ensure!(
        imported.is_empty(),
        "the module imports globals: {imported:?}"
    );
    if !set.is_empty() {
        let stack_pointer = stack_pointer.context("no global is the stack pointer")?;
        set.remove(&stack_pointer);
    }
    ensure!(set.is_empty(), "the module sets the globals {set:?}");
    Ok(())
}

/// Returns the number of the stack pointer.
fn global(names: wasmparser::NameSectionReader<'_>) -> Result<Option<u32>> {
    for name in names {
        if let Name::Global(globals) = name? {
            for global in globals {
                let global = global?;
                if global.name == STACK_POINTER {
                    return Ok(Some(global.index));
                }
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(instructions: &str) -> Result<()> {
        check(&wat::parse_str(format!(
            r#"(module
                (memory 1) (table 2 funcref) (data $data "a") (elem $elem func $f)
                (global $__stack_pointer (mut i32) (i32.const 0))
                (global $other (mut i32) (i32.const 0))
                (func $f {instructions}))"#
        ))?)
    }

    #[test]
    fn memory_and_the_stack_pointer_may_change() -> Result<()> {
        checked(
            "(global.set $__stack_pointer (i32.const 1))
             (memory.init $data (i32.const 0) (i32.const 0) (i32.const 1))
             (drop (memory.grow (i32.const 1)))
             (drop (global.get $other))",
        )
    }

    #[test]
    fn nothing_else_may_change() {
        let three = "(i32.const 0) (i32.const 0) (i32.const 0)";
        for instruction in [
            "global.set $other (i32.const 1)",
            "table.set (i32.const 0) (ref.func $f)",
            "drop (table.grow (ref.func $f) (i32.const 1))",
            "table.fill (i32.const 0) (ref.func $f) (i32.const 1)",
            &format!("table.copy {three}"),
            &format!("table.init $elem {three}"),
            "elem.drop $elem",
            "data.drop $data",
        ] {
            assert!(
                checked(&format!("({instruction})")).is_err(),
                "{instruction}"
            );
        }
    }
}
