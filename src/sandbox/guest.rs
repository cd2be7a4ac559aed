//! The host's side of the guest ABI (wasm/guest/abi/abi.h describes it).

use wasmtime::{AsContext, AsContextMut, Instance, Memory, Module, Result, TypedFunc};

use super::host::Host;
use super::turn::SHORT_TEXT;

/// The export that names the version of the ABI.
const ABI_VERSION: &str = "abi_version_2";

/// Checks that `module` has this ABI.
///
/// # Errors
/// When it was built for another version of the service.
pub fn check_version(module: &Module) -> anyhow::Result<()> {
    anyhow::ensure!(
        module.get_export(ABI_VERSION).is_some(),
        "it was built for another version of the service: run `cargo xtask fetch-python`"
    );
    Ok(())
}

/// The guest's reply to a run that it completed. All of it is untrusted.
pub struct Reply {
    /// How the run ended.
    pub status: Status,
    /// The text that belongs to the status.
    pub text: Text,
}

/// How a run ended: `enum status` of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The text is the result as JSON.
    Result,
    /// The text is Python's message.
    SyntaxError,
    /// There is no `main()` to call. The text is what `main` is instead.
    NoMain,
    /// The text is the last line of Python's traceback.
    Exception,
    /// The text is the reason.
    NotSerializable,
    /// Python was out of memory.
    OutOfMemory,
    /// The text is the exit code, in decimal.
    Exited,
}

impl Status {
    pub(super) fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Result,
            1 => Self::SyntaxError,
            2 => Self::NoMain,
            3 => Self::Exception,
            4 => Self::NotSerializable,
            5 => Self::OutOfMemory,
            6 => Self::Exited,
            _ => return None,
        })
    }
}

/// The text of a reply.
#[derive(Debug)]
pub enum Text {
    /// As the guest wrote it.
    Bytes(Vec<u8>),
    /// It exceeds the limit and was not read.
    TooLong,
}

/// The guest violated its ABI.
#[derive(Debug, thiserror::Error)]
#[error("the interpreter returned an invalid reply")]
pub struct AbiViolation;

/// The exports of an instance.
pub struct Guest {
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    run: TypedFunc<(u32, u32, u32, u32), u32>,
    result_ptr: TypedFunc<(), u32>,
    result_len: TypedFunc<(), u32>,
    display_ptr: TypedFunc<(), u32>,
    display_len: TypedFunc<(), u32>,
    pending_output_len: TypedFunc<u32, u32>,
    pending_output_ptr: TypedFunc<(), u32>,
}

/// A standard stream, by its descriptor.
#[derive(Debug, Clone, Copy)]
pub enum Stream {
    Stdout = 1,
    Stderr = 2,
}

impl Guest {
    /// Finds the exports of `instance`.
    ///
    /// # Errors
    /// When one is missing: the module is not a Python Executor guest.
    pub fn new(mut store: impl AsContextMut, instance: &Instance) -> Result<Self> {
        let mut store = store.as_context_mut();
        let memory = instance.get_memory(&mut store, "memory");
        Ok(Self {
            memory: memory.ok_or_else(|| wasmtime::format_err!("the module exports no memory"))?,
            alloc: instance.get_typed_func(&mut store, "alloc")?,
            run: instance.get_typed_func(&mut store, "run")?,
            result_ptr: instance.get_typed_func(&mut store, "result_ptr")?,
            result_len: instance.get_typed_func(&mut store, "result_len")?,
            display_ptr: instance.get_typed_func(&mut store, "display_ptr")?,
            display_len: instance.get_typed_func(&mut store, "display_len")?,
            pending_output_len: instance.get_typed_func(&mut store, "pending_output_len")?,
            pending_output_ptr: instance.get_typed_func(&mut store, "pending_output_ptr")?,
        })
    }

    /// The instance's memory as it is now.
    pub fn memory(&self, store: impl AsContext) -> *mut [u8] {
        let store = store.as_context();
        let start = self.memory.data_ptr(&store);
        std::ptr::slice_from_raw_parts_mut(start, self.memory.data_size(&store))
    }

    /// The contents of the instance's memory.
    #[cfg(test)]
    pub fn bytes<'a, T: 'static>(&self, store: &'a wasmtime::Store<T>) -> &'a [u8] {
        self.memory.data(store)
    }

    /// Runs `script` with `input`, and reads the reply, unless its text is longer than `max_text` bytes.
    ///
    /// # Errors
    /// When the guest traps, exits or violates the ABI.
    pub async fn run(
        &self,
        mut store: impl AsContextMut<Data = Host>,
        script: &str,
        input: &[u8],
        max_text: usize,
    ) -> Result<Reply> {
        let mut store = store.as_context_mut();
        let (script_at, script_length) = self.pass(&mut store, script.as_bytes()).await?;
        let (input_at, input_length) = match input {
            // The guest need not make room for it.
            [] => (0, 0),
            input => self.pass(&mut store, input).await?,
        };
        if script_at == 0 || (input_at == 0 && input_length > 0) {
            return Ok(Reply {
                status: Status::OutOfMemory,
                text: Text::Bytes(Vec::new()),
            });
        }
        let blocks = (script_at, script_length, input_at, input_length);
        let status = self.run.call_async(&mut store, blocks).await?;
        let status = Status::from_number(status).ok_or(AbiViolation)?;
        let start = self.result_ptr.call_async(&mut store, ()).await?;
        let length = self.result_len.call_async(&mut store, ()).await?;
        if length as usize > SHORT_TEXT {
            store.data_mut().wasi.turn.leave_connection_thread().await;
        }
        let text = read(self.memory.data(&store), start, length, max_text)?;
        Ok(Reply { status, text })
    }

    /// Copies `bytes` to a new block of the guest; returns its address, which is 0 if there is no memory for it, and
    /// its length.
    async fn pass(
        &self,
        mut store: impl AsContextMut<Data = Host>,
        bytes: &[u8],
    ) -> Result<(u32, u32)> {
        let length = u32::try_from(bytes.len())?;
        let at = self.alloc.call_async(&mut store, length).await?;
        if at != 0 {
            self.memory.write(&mut store, at as usize, bytes)?;
        }
        Ok((at, length))
    }

    /// Returns the items that the script has shown, JSON texts joined by commas, unless they are longer than `max`
    /// bytes. For runs that the host has ended, too.
    ///
    /// # Errors
    /// When the guest traps or violates the ABI.
    pub async fn shown(
        &self,
        mut store: impl AsContextMut<Data = Host>,
        max: usize,
    ) -> Result<Text> {
        let mut store = store.as_context_mut();
        let start = self.display_ptr.call_async(&mut store, ()).await?;
        let length = self.display_len.call_async(&mut store, ()).await?;
        if length as usize > SHORT_TEXT {
            store.data_mut().wasi.turn.leave_connection_thread().await;
        }
        Ok(read(self.memory.data(&store), start, length, max)?)
    }

    /// Returns the first `max` bytes that the script has written to `stream` and Python has not flushed. For runs that
    /// the host has ended.
    ///
    /// # Errors
    /// When the guest traps or violates the ABI.
    pub async fn pending_output<T: Send + 'static>(
        &self,
        mut store: impl AsContextMut<Data = T>,
        stream: Stream,
        max: usize,
    ) -> Result<Vec<u8>> {
        let mut store = store.as_context_mut();
        let length = self
            .pending_output_len
            .call_async(&mut store, stream as u32);
        let length = length.await?.min(u32::try_from(max).unwrap_or(u32::MAX));
        let start = self.pending_output_ptr.call_async(&mut store, ()).await?;
        match read(self.memory.data(&store), start, length, max)? {
            Text::Bytes(bytes) => Ok(bytes),
            Text::TooLong => Ok(Vec::new()),
        }
    }
}

/// Reads the text at `start` in the guest's memory, unless it is longer than `max` bytes.
fn read(memory: &[u8], start: u32, length: u32, max: usize) -> Result<Text, AbiViolation> {
    let (start, length) = (start as usize, length as usize);
    if length > max {
        return Ok(Text::TooLong);
    }
    let end = start.checked_add(length).ok_or(AbiViolation)?;
    let text = memory.get(start..end).ok_or(AbiViolation)?;
    Ok(Text::Bytes(text.to_vec()))
}

#[cfg(test)]
mod properties;
