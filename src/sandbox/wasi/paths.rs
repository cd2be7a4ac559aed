//! Guards the calls that name a file or directory.

use anyhow::Result;
use wasmtime::{Caller, Linker};
use wasmtime_wasi::p1::types::{self, Errno};
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self as preview1, WasiSnapshotPreview1};
use wiggle::GuestPtr;

use super::{Call, Host, PREVIEW1, answered, errno, succeeded};

/// Longest path in bytes, as in Linux. Where the kernel does not follow paths for wasmtime (`openat2`), it
/// does so itself and takes tens of bytes for each part of one: a gigabyte for a path of all memory.
const MAX_PATH: i32 = 4096;

/// Puts the guards in front of wasmtime's functions.
///
/// # Errors
/// Never, unless wasmtime changes its names.
pub fn guard(linker: &mut Linker<Host>) -> Result<()> {
    guard_questions(linker)?;
    guard_entries(linker)
}

/// Whether a path of this length leads nowhere.
pub fn is_too_long(length: i32) -> bool {
    !(0..=MAX_PATH).contains(&length)
}

/// Whether it is a file that has bytes of its own.
pub fn is_file(stat: &types::Filestat) -> bool {
    stat.filetype == types::Filetype::RegularFile
}

impl Call<'_> {
    /// What a path leads to, if anything.
    pub async fn look_up(
        &mut self,
        directory: i32,
        path: i32,
        length: i32,
    ) -> Option<types::Filestat> {
        let path = GuestPtr::new((path.cast_unsigned(), length.cast_unsigned()));
        let flags = types::Lookupflags::empty();
        let found = self
            .wasi
            .path_filestat_get(&mut self.memory, directory.into(), flags, path);
        found.await.ok()
    }
}

/// What changes no name.
fn guard_questions(linker: &mut Linker<Host>) -> Result<()> {
    type GetState = (i32, i32, i32, i32, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "path_filestat_get",
        |mut caller: Caller<'_, Host>, (fd, flags, path, length, to): GetState| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                if is_too_long(length) {
                    return Ok(errno(Errno::Nametoolong));
                }
                let answer = preview1::path_filestat_get(
                    call.wasi,
                    &mut call.memory,
                    fd,
                    flags,
                    path,
                    length,
                    to,
                );
                answered(answer.await)
            })
        },
    )?;
    type SetTimes = (i32, i32, i32, i32, i64, i64, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "path_filestat_set_times",
        |mut caller: Caller<'_, Host>, args: SetTimes| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                let (fd, flags, path, length, accessed, modified, which) = args;
                if is_too_long(length) {
                    return Ok(errno(Errno::Nametoolong));
                }
                let answer = preview1::path_filestat_set_times(
                    call.wasi,
                    &mut call.memory,
                    fd,
                    flags,
                    path,
                    length,
                    accessed,
                    modified,
                    which,
                );
                answered(answer.await)
            })
        },
    )?;
    type ReadLink = (i32, i32, i32, i32, i32, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "path_readlink",
        |mut caller: Caller<'_, Host>, args: ReadLink| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                let (fd, path, length, to, size, used) = args;
                if is_too_long(length) {
                    return Ok(errno(Errno::Nametoolong));
                }
                preview1::path_readlink(
                    call.wasi,
                    &mut call.memory,
                    fd,
                    path,
                    length,
                    to,
                    size,
                    used,
                )
                .await
            })
        },
    )?;
    Ok(())
}

/// Names that come and go.
fn guard_entries(linker: &mut Linker<Host>) -> Result<()> {
    type Path = (i32, i32, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "path_create_directory",
        |mut caller: Caller<'_, Host>, (fd, path, length): Path| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                if is_too_long(length) {
                    return Ok(errno(Errno::Nametoolong));
                }
                if !call.quota.may_create() {
                    return Ok(errno(Errno::Nospc));
                }
                let answer =
                    preview1::path_create_directory(call.wasi, &mut call.memory, fd, path, length)
                        .await?;
                call.check_host(answer)?;
                if succeeded(answer) {
                    call.quota.created_directory();
                }
                Ok(answer)
            })
        },
    )?;
    linker.func_wrap_async(
        PREVIEW1,
        "path_remove_directory",
        |mut caller: Caller<'_, Host>, (fd, path, length): Path| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                if is_too_long(length) {
                    return Ok(errno(Errno::Nametoolong));
                }
                let answer =
                    preview1::path_remove_directory(call.wasi, &mut call.memory, fd, path, length)
                        .await?;
                if succeeded(answer) {
                    call.quota.removed_directory();
                }
                Ok(answer)
            })
        },
    )?;
    linker.func_wrap_async(
        PREVIEW1,
        "path_unlink_file",
        |mut caller: Caller<'_, Host>, (fd, path, length): Path| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                if is_too_long(length) {
                    return Ok(errno(Errno::Nametoolong));
                }
                let found = call.look_up(fd, path, length).await;
                let answer =
                    preview1::path_unlink_file(call.wasi, &mut call.memory, fd, path, length)
                        .await?;
                if succeeded(answer)
                    && let Some(stat) = found
                {
                    call.quota.unlinked(stat.ino);
                }
                Ok(answer)
            })
        },
    )?;
    type Rename = (i32, i32, i32, i32, i32, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "path_rename",
        |mut caller: Caller<'_, Host>, args: Rename| {
            Box::new(async move {
                let mut call = Call::of_files(&mut caller).await?;
                let (fd, path, length, new_fd, new_path, new_length) = args;
                if is_too_long(length) || is_too_long(new_length) {
                    return Ok(errno(Errno::Nametoolong));
                }
                let source = call.look_up(fd, path, length).await;
                let replaced = call.look_up(new_fd, new_path, new_length).await;
                let answer = preview1::path_rename(
                    call.wasi,
                    &mut call.memory,
                    fd,
                    path,
                    length,
                    new_fd,
                    new_path,
                    new_length,
                )
                .await?;
                call.check_host(answer)?;
                if succeeded(answer)
                    && let Some(replaced) = replaced
                {
                    let same = source.is_some_and(|source| source.ino == replaced.ino);
                    match is_file(&replaced) {
                        _ if same => {}
                        true => call.quota.unlinked(replaced.ino),
                        false => call.quota.removed_directory(),
                    }
                }
                Ok(answer)
            })
        },
    )?;
    Ok(())
}
