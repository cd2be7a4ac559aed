//! Guards the calls that open and close, and those that make a file longer.

use anyhow::Result;
use wasmtime::{Caller, Linker};
use wasmtime_wasi::p1::types::{self, Errno};
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self as preview1, WasiSnapshotPreview1};
use wiggle::GuestPtr;

use super::paths::{is_file, is_too_long};
use super::{Call, Host, PREVIEW1, answered, errno, succeeded};

/// `path_open`'s flag to create a file.
const CREATE: i32 = 1;

/// All flags of `path_open`, and all of a descriptor. Others are ignored, as Linux does.
const OPEN_FLAGS: i32 = types::Oflags::all().bits() as i32;
const DESCRIPTOR_FLAGS: i32 = types::Fdflags::all().bits() as i32;

/// The flag of a descriptor that appends.
const APPEND: i32 = 1;

/// Puts the guards in front of wasmtime's functions.
///
/// # Errors
/// Never, unless wasmtime changes its names.
pub fn guard(linker: &mut Linker<Host>) -> Result<()> {
    guard_descriptors(linker)?;
    guard_sizes(linker)
}

impl Call<'_> {
    /// The number that a call has left at `at`.
    fn read_u32(&self, at: i32) -> wasmtime::Result<u32> {
        Ok(self.memory.read(GuestPtr::new(at.cast_unsigned()))?)
    }

    /// Where the next write through `fd` starts, unless it appends.
    fn position(&mut self, fd: i32) -> u64 {
        self.wasi.fd_tell(&mut self.memory, fd.into()).unwrap_or(0)
    }
}

/// Opening and closing.
fn guard_descriptors(linker: &mut Linker<Host>) -> Result<()> {
    type PathOpen = (i32, i32, i32, i32, i32, i64, i64, i32, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "path_open",
        |mut caller: Caller<'_, Host>, args: PathOpen| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                let (directory, lookup, path, length, open, rights, inheriting, flags, opened) =
                    args;
                let (open, flags) = (open & OPEN_FLAGS, flags & DESCRIPTOR_FLAGS);
                if is_too_long(length) {
                    return Ok(errno(Errno::Nametoolong));
                }
                if !call.quota.may_open() {
                    return Ok(errno(Errno::Mfile));
                }
                if open & CREATE != 0
                    && !call.quota.may_create()
                    && call.look_up(directory, path, length).await.is_none()
                {
                    return Ok(errno(Errno::Nospc));
                }
                let answer = preview1::path_open(
                    call.wasi,
                    &mut call.memory,
                    directory,
                    lookup,
                    path,
                    length,
                    open,
                    rights,
                    inheriting,
                    flags,
                    opened,
                );
                let answer = answered(answer.await)?;
                call.check_host(answer)?;
                if succeeded(answer) {
                    let fd = call.read_u32(opened)?;
                    match call.wasi.fd_filestat_get(&mut call.memory, fd.into()).await {
                        Ok(stat) if is_file(&stat) => {
                            call.quota
                                .opened_file(fd, stat.ino, stat.size, flags & APPEND != 0);
                        }
                        _ => call.quota.opened_directory(fd),
                    }
                }
                Ok(answer)
            })
        },
    )?;
    linker.func_wrap_async(
        PREVIEW1,
        "fd_close",
        |mut caller: Caller<'_, Host>, (fd,): (i32,)| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                let answer = preview1::fd_close(call.wasi, &mut call.memory, fd).await?;
                if succeeded(answer) {
                    call.quota.closed(fd.cast_unsigned());
                }
                Ok(answer)
            })
        },
    )?;
    type Renumber = (i32, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "fd_renumber",
        |mut caller: Caller<'_, Host>, (from, to): Renumber| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                let answer = preview1::fd_renumber(call.wasi, &mut call.memory, from, to).await?;
                if succeeded(answer) {
                    call.quota
                        .renumbered(from.cast_unsigned(), to.cast_unsigned());
                }
                Ok(answer)
            })
        },
    )?;
    linker.func_wrap_async(
        PREVIEW1,
        "fd_fdstat_set_flags",
        |mut caller: Caller<'_, Host>, (fd, flags): (i32, i32)| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                let flags = flags & DESCRIPTOR_FLAGS;
                let answer = preview1::fd_fdstat_set_flags(call.wasi, &mut call.memory, fd, flags);
                let answer = answered(answer)?;
                if succeeded(answer) {
                    call.quota
                        .set_append(fd.cast_unsigned(), flags & APPEND != 0);
                }
                Ok(answer)
            })
        },
    )?;
    Ok(())
}

/// Everything that makes a file longer.
fn guard_sizes(linker: &mut Linker<Host>) -> Result<()> {
    type Write = (i32, i32, i32, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "fd_write",
        |mut caller: Caller<'_, Host>, args: Write| {
            Box::new(async move {
                // What is no file of the directory's is a stream, or an error.
                let mut call = Call::new(&mut caller)?;
                let (fd, buffers, count, written) = args;
                if !call.quota.counts(fd.cast_unsigned()) {
                    return preview1::fd_write(
                        call.wasi,
                        &mut call.memory,
                        fd,
                        buffers,
                        count,
                        written,
                    )
                    .await;
                }
                let position = call.position(fd);
                if !may_write(&call, fd, position, buffers, count)? {
                    return Ok(errno(Errno::Nospc));
                }
                let answer =
                    preview1::fd_write(call.wasi, &mut call.memory, fd, buffers, count, written)
                        .await?;
                note_written(&mut call, answer, fd, position, written)?;
                Ok(answer)
            })
        },
    )?;
    type PositionedWrite = (i32, i32, i32, i64, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "fd_pwrite",
        |mut caller: Caller<'_, Host>, args: PositionedWrite| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                let (fd, buffers, count, at, written) = args;
                let position = at.cast_unsigned();
                if !may_write(&call, fd, position, buffers, count)? {
                    return Ok(errno(Errno::Nospc));
                }
                let answer = preview1::fd_pwrite(
                    call.wasi,
                    &mut call.memory,
                    fd,
                    buffers,
                    count,
                    at,
                    written,
                )
                .await?;
                note_written(&mut call, answer, fd, position, written)?;
                Ok(answer)
            })
        },
    )?;
    type Resize = (i32, i64);
    linker.func_wrap_async(
        PREVIEW1,
        "fd_filestat_set_size",
        |mut caller: Caller<'_, Host>, (fd, size): Resize| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                if !call
                    .quota
                    .may_resize(fd.cast_unsigned(), size.cast_unsigned())
                {
                    return Ok(errno(Errno::Nospc));
                }
                let answer =
                    preview1::fd_filestat_set_size(call.wasi, &mut call.memory, fd, size).await?;
                call.check_host(answer)?;
                if succeeded(answer) {
                    call.quota.resized(fd.cast_unsigned(), size.cast_unsigned());
                }
                Ok(answer)
            })
        },
    )?;
    Ok(())
}

/// Whether the quota has room for all that `count` buffers at `buffers` hold.
fn may_write(
    call: &Call<'_>,
    fd: i32,
    position: u64,
    buffers: i32,
    count: i32,
) -> wasmtime::Result<bool> {
    let buffers = GuestPtr::<types::Ciovec>::new(buffers.cast_unsigned());
    let mut length = 0_u64;
    for buffer in buffers.as_array(count.cast_unsigned()).iter() {
        length = length.saturating_add(u64::from(call.memory.read(buffer?)?.buf_len));
    }
    Ok(call.quota.may_write(fd.cast_unsigned(), position, length))
}

fn note_written(
    call: &mut Call<'_>,
    answer: i32,
    fd: i32,
    position: u64,
    written: i32,
) -> wasmtime::Result<()> {
    call.check_host(answer)?;
    if succeeded(answer) {
        let length = u64::from(call.read_u32(written)?);
        call.quota.written(fd.cast_unsigned(), position, length);
    }
    Ok(())
}
