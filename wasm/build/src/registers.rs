//! Tells Cranelift which value the interpreter's loop needs most.
//!
//! Each access to a guest's memory wants the address where that memory starts. In a function as large as
//! CPython's interpreter loop the register allocator has no room for all that is used throughout: it keeps what
//! is used most for its length, weighing uses by the depth of loops, and reads the rest from the stack again
//! and again. The address of memory is close to that line, so that small changes of the loop put it on the
//! other side, where programs take 6 to 12 % longer. A block that never runs, deep in loops and full of reads,
//! makes sure of it.

use anyhow::{Result, ensure};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{BlockType, CodeSection, Function, Instruction, MemArg, Module};
use wasmparser::{FunctionBody, KnownCustom, Name, Parser, Payload, TypeRef};

/// CPython's interpreter loop. Its second parameter is a frame.
const LOOP: &str = "_PyEval_EvalFrameDefault";
const FRAME: u32 = 1;

/// How deep the reads are in loops; regalloc2 looks at no more than ten
/// (`spill_weight_from_constraint` of its liveranges.rs).
const DEPTH: u32 = 10;

/// How many there are. With a hundred, programs took one percent longer.
const READS: u32 = 20;

/// `module` with the block at the beginning of the interpreter's loop.
pub fn keep_memory(module: &[u8]) -> Result<Vec<u8>> {
    let mut pass = Pass {
        target: find(module, LOOP)?,
        next: 0,
        done: false,
    };
    let mut output = Module::new();
    pass.parse_core_module(&mut output, Parser::new(0), module)?;
    ensure!(pass.done, "the module has no function {LOOP}");
    Ok(output.finish())
}

/// Where the code of the function `wanted` is among the functions with code.
fn find(module: &[u8], wanted: &str) -> Result<Option<u32>> {
    let mut imported = 0;
    let mut found = None;
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CustomSection(section) => {
                let KnownCustom::Name(names) = section.as_known() else {
                    continue;
                };
                for name in names {
                    let Name::Function(functions) = name? else {
                        continue;
                    };
                    for function in functions {
                        let function = function?;
                        if function.name == wanted {
                            found = Some(function.index);
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok(found.and_then(|index: u32| index.checked_sub(imported)))
}

struct Pass {
    target: Option<u32>,
    next: u32,
    done: bool,
}

impl Reencode for Pass {
    type Error = std::convert::Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), reencode::Error> {
        let index = self.next;
        self.next += 1;
        if Some(index) != self.target {
            return reencode::utils::parse_function_body(self, code, body);
        }
        self.done = true;
        let mut function = self.new_function_with_parsed_locals(&body)?;
        never(&mut function);
        for operator in body.get_operators_reader()? {
            function.instruction(&self.instruction(operator?)?);
        }
        code.function(&function);
        Ok(())
    }
}

/// The block. What decides that it does not run is read from memory, so that the address of memory is there
/// before it: the first word of a frame is the address of an object, which 1 is not.
fn never(function: &mut Function) {
    let read = |function: &mut Function, word: u32| {
        function
            .instruction(&Instruction::LocalGet(FRAME))
            .instruction(&Instruction::I32Load(MemArg {
                offset: u64::from(4 * word),
                align: 2,
                memory_index: 0,
            }));
    };
    read(function, 0);
    function
        .instruction(&Instruction::I32Const(1))
        .instruction(&Instruction::I32Eq)
        .instruction(&Instruction::If(BlockType::Empty));
    for _ in 0..DEPTH {
        function.instruction(&Instruction::Loop(BlockType::Empty));
    }
    for word in 0..READS {
        read(function, word);
        function.instruction(&Instruction::Drop);
    }
    for word in 0..DEPTH {
        read(function, READS + word);
        function
            .instruction(&Instruction::BrIf(0))
            .instruction(&Instruction::End);
    }
    function.instruction(&Instruction::End);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module whose functions, of those names, give the word that their second argument points to.
    fn module(names: &[&str]) -> Result<Vec<u8>> {
        let functions: String = names
            .iter()
            .map(|name| {
                format!(
                    r#"(func ${name} (export "{name}") (param i32 i32 i32) (result i32) (local i64)
                        (i32.load (local.get 1)))"#
                )
            })
            .collect();
        let text = format!(
            r#"(module (import "" "" (func)) (memory 1) (data (i32.const 8) "\05") {functions})"#
        );
        Ok(wat::parse_str(text)?)
    }

    #[test]
    fn the_loop_does_what_it_did() -> Result<()> {
        let before = module(&["other", LOOP])?;
        let after = keep_memory(&before)?;
        assert!(after.len() > before.len() + usize::try_from(DEPTH + READS)?);
        let engine = wasmtime::Engine::default();
        let module = wasmtime::Module::new(&engine, &after)?;
        let mut store = wasmtime::Store::new(&engine, ());
        let nothing = wasmtime::Func::wrap(&mut store, || {});
        let instance = wasmtime::Instance::new(&mut store, &module, &[nothing.into()])?;
        for name in ["other", LOOP] {
            let function = instance.get_typed_func::<(i32, i32, i32), i32>(&mut store, name)?;
            assert_eq!(function.call(&mut store, (0, 8, 0))?, 5);
        }
        Ok(())
    }

    #[test]
    fn a_module_without_the_loop_is_an_error() -> Result<()> {
        assert!(keep_memory(&module(&["other"])?).is_err());
        Ok(())
    }
}
