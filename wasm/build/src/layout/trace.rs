//! A copy of a module that notes in which order its functions are called for the first time.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, GlobalSection,
    GlobalType, Instruction, MemArg, MemorySection, MemoryType, ValType,
};
use wasmparser::{
    ExportSectionReader, FunctionBody, FunctionSectionReader, GlobalSectionReader,
    MemorySectionReader,
};

/// The memory with the notes: for each function with code a word, its place in the order, from 1.
pub const MEMORY: &str = "first calls";

const PAGE: u64 = 64 << 10;

/// Puts code for the note at the beginning of each function. The module must import neither memories nor globals.
#[derive(Default)]
pub struct Pass {
    functions: u32,
    next: u32,
    /// Where the notes are, and the count of functions called so far.
    memory: u32,
    count: u32,
}

impl Pass {
    /// How many functions with code there are.
    pub fn functions(&self) -> u32 {
        self.functions
    }

    fn note(&self, function: &mut Function, number: u32) {
        let place = MemArg {
            offset: u64::from(4 * number),
            align: 2,
            memory_index: self.memory,
        };
        function
            .instruction(&Instruction::I32Const(0))
            .instruction(&Instruction::I32Load(place))
            .instruction(&Instruction::I32Eqz)
            .instruction(&Instruction::If(BlockType::Empty))
            .instruction(&Instruction::GlobalGet(self.count))
            .instruction(&Instruction::I32Const(1))
            .instruction(&Instruction::I32Add)
            .instruction(&Instruction::GlobalSet(self.count))
            .instruction(&Instruction::I32Const(0))
            .instruction(&Instruction::GlobalGet(self.count))
            .instruction(&Instruction::I32Store(place))
            .instruction(&Instruction::End);
    }
}

impl Reencode for Pass {
    type Error = Infallible;

    fn parse_function_section(
        &mut self,
        functions: &mut wasm_encoder::FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        self.functions = section.count();
        utils::parse_function_section(self, functions, section)
    }

    fn parse_memory_section(
        &mut self,
        memories: &mut MemorySection,
        section: MemorySectionReader<'_>,
    ) -> Result<(), Error> {
        self.memory = section.count();
        utils::parse_memory_section(self, memories, section)?;
        memories.memory(MemoryType {
            minimum: u64::from(4 * self.functions).div_ceil(PAGE),
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error> {
        self.count = section.count();
        utils::parse_global_section(self, globals, section)?;
        let count = GlobalType {
            val_type: ValType::I32,
            mutable: true,
            shared: false,
        };
        globals.global(count, &ConstExpr::i32_const(0));
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(MEMORY, ExportKind::Memory, self.memory);
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        self.note(&mut function, self.next);
        self.next += 1;
        for operator in body.get_operators_reader()? {
            function.instruction(&self.instruction(operator?)?);
        }
        code.function(&function);
        Ok(())
    }
}
