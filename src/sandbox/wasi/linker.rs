//! The table of all functions that a guest may import, and the way of a call to its implementation: it is counted,
//! the scratch directory is made if the function depends on it, and the arguments, which are numbers in WebAssembly,
//! are converted to their types.
//!
//! wiggle generates such a table, too. This one exists because that ends the run when an argument has a value that
//! its type does not allow, where Linux returns `EINVAL`; and because making the directory can take any time.

use anyhow::Result;
use wasmtime::{AsContextMut, Caller, Extern, Linker};
use wasmtime_wasi::p1::types::{self, Errno, Fdflags, Oflags};
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self as preview1, WasiSnapshotPreview1};
use wiggle::{GuestError, GuestMemory};

use super::limits;
use super::state::WasiState;

/// The module of WASI's functions.
const MODULE: &str = "wasi_snapshot_preview1";

/// All flags that files and descriptors can have. Others are ignored, as Linux does.
const OPEN: i32 = Oflags::all().bits() as i32;
const DESCRIPTOR: i32 = Fdflags::all().bits() as i32;

/// Defines functions by their names and arguments. Arguments of flags can have a mask. `.await` marks those that
/// wiggle makes asynchronous.
macro_rules! define {
    // Called at once.
    ($linker:ident, $state:ident: $($name:ident($($argument:ident),*);)*) => {$(
        $linker.func_wrap(
            MODULE,
            stringify!($name),
            move |mut caller: Caller<'_, T>, $($argument),*| {
                let (mut memory, state) = enter(&mut caller, $state)?;
                returned(preview1::$name(state, &mut memory, $($argument),*))
            },
        )?;
    )*};
    // Called when the directory exists, if `$directory` says so of the first argument.
    ($linker:ident, $state:ident, $directory:path: $(
        $name:ident($first:ident $(, $argument:ident $(& $mask:ident)?)*)$(.$await:tt)?;
    )*) => {$(
        $linker.func_wrap_async(
            MODULE,
            stringify!($name),
            move |mut caller: Caller<'_, T>, ($first, $($argument,)*)| {
                Box::new(async move {
                    let directory = $directory($state(caller.data_mut()), $first);
                    if directory {
                        $state(caller.data_mut()).make_directory().await?;
                    }
                    let (mut memory, state) = enter(&mut caller, $state)?;
                    $($(let $argument = masked($argument, $mask);)?)*
                    returned(preview1::$name(state, &mut memory, $first, $($argument),*)$(.$await)?)
                })
            },
        )?;
    )*};
}

/// Defines all functions that a guest may import. `state` finds the state in a store's data.
///
/// # Errors
/// When a name is defined twice.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    state: fn(&mut T) -> &mut WasiState,
) -> Result<()> {
    define! { linker, state:
        args_get(arguments, buffer);
        args_sizes_get(count, size);
        clock_res_get(id, resolution);
        clock_time_get(id, precision, time);
        environ_get(variables, buffer);
        environ_sizes_get(count, size);
        proc_raise(signal);
        random_get(buffer, length);
        sched_yield();
    }
    define! { linker, state, never:
        fd_datasync(fd).await;
        fd_sync(fd).await;
        path_link(fd, flags, path, length, link_fd, link, link_length).await;
        path_symlink(target, target_length, fd, link, length).await;
        poll_oneoff(subscriptions, events, count, happened).await;
    }
    define! { linker, state, unless_stream:
        fd_advise(fd, offset, length, advice).await;
        fd_allocate(fd, offset, length);
        fd_fdstat_get(fd, status).await;
        fd_fdstat_set_flags(fd, flags & DESCRIPTOR);
        fd_fdstat_set_rights(fd, base, inheriting);
        fd_filestat_get(fd, status).await;
        fd_filestat_set_size(fd, size).await;
        fd_filestat_set_times(fd, accessed, modified, which).await;
        fd_pread(fd, buffers, count, offset, read).await;
        fd_prestat_dir_name(fd, path, length);
        fd_prestat_get(fd, status);
        fd_pwrite(fd, buffers, count, offset, written).await;
        fd_read(fd, buffers, count, read).await;
        fd_readdir(fd, buffer, length, cookie, used).await;
        fd_seek(fd, offset, whence, position).await;
        fd_tell(fd, position);
        fd_write(fd, buffers, count, written).await;
        sock_accept(fd, flags, accepted);
        sock_recv(fd, buffers, count, flags, read, out_flags);
        sock_send(fd, buffers, count, flags, written);
        sock_shutdown(fd, how);
    }
    // Streams can be closed and renumbered only after the directory was made: that builds them anew.
    define! { linker, state, always:
        fd_close(fd).await;
        fd_renumber(from, to).await;
        path_create_directory(fd, path, length).await;
        path_filestat_get(fd, flags, path, length, status).await;
        path_filestat_set_times(fd, flags, path, length, accessed, modified, which).await;
        path_open(
            fd, lookup, path, length, open & OPEN, base, inheriting, flags & DESCRIPTOR, opened
        ).await;
        path_readlink(fd, path, length, buffer, size, used).await;
        path_remove_directory(fd, path, length).await;
        path_rename(fd, path, length, new_fd, new_path, new_length).await;
        path_unlink_file(fd, path, length).await;
    }
    linker.func_wrap(
        MODULE,
        "proc_exit",
        move |mut caller: Caller<'_, T>, code: i32| {
            let (mut memory, state) = enter(&mut caller, state)?;
            preview1::proc_exit(state, &mut memory, code)
        },
    )?;
    linker.func_wrap(
        limits::MODULE,
        "limit",
        move |mut caller: Caller<'_, T>, number: i32| {
            let state = state(caller.data_mut());
            state.calls += 1;
            state.limit(number)
        },
    )?;
    Ok(())
}

/// For functions that do not depend on the directory.
fn never(_: &WasiState, _: i32) -> bool {
    false
}

/// For functions that depend on it unless their first argument is a standard stream.
fn unless_stream(state: &WasiState, fd: i32) -> bool {
    !state.quota.is_stream(fd.cast_unsigned())
}

/// For functions that depend on it.
fn always(_: &WasiState, _: i32) -> bool {
    true
}

fn masked(flags: i32, mask: i32) -> i32 {
    flags & mask
}

/// Counts a call and returns the guest's memory and the state.
fn enter<'a, T: 'static>(
    caller: &'a mut Caller<'_, T>,
    state: fn(&mut T) -> &mut WasiState,
) -> wasmtime::Result<(GuestMemory<'a>, &'a mut WasiState)> {
    let fuel = caller.as_context_mut().hostcall_fuel();
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let memory = memory.ok_or_else(|| wasmtime::format_err!("the guest has no memory"))?;
    let (memory, data) = memory.data_and_store_mut(caller);
    let state = state(data);
    state.calls += 1;
    state.set_hostcall_fuel(fuel);
    Ok((GuestMemory::Unshared(memory), state))
}

/// Returns an error number for an argument that its type does not allow, such as an unknown clock or flag.
fn returned(result: wasmtime::Result<i32>) -> wasmtime::Result<i32> {
    result.or_else(|error| {
        let mut error = error.downcast::<GuestError>()?;
        while let GuestError::InFunc { err, .. } = error {
            error = *err;
        }
        let errno = match error {
            // The argument is larger than any value of its type.
            GuestError::TryFromIntError(_) => Errno::Inval,
            error => types::Error::from(error).downcast()?,
        };
        Ok(i32::from(u16::from(errno)))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wasmtime::{Engine, Store};
    use wasmtime_wasi::p1::{self, WasiP1Ctx};

    use super::*;

    /// The functions of WASI's module, with their types.
    fn functions<T: 'static>(linker: &Linker<T>, data: T) -> BTreeMap<String, String> {
        let mut store = Store::new(linker.engine(), data);
        let all: Vec<_> = linker.iter(&mut store).collect();
        let all = all.into_iter().filter(|(module, ..)| *module == MODULE);
        all.map(|(_, name, function)| (name.to_owned(), format!("{:?}", function.ty(&store))))
            .collect()
    }

    #[test]
    fn the_table_lists_all_functions_of_preview_1() -> Result<()> {
        let engine = Engine::default();
        let mut ours = Linker::<Option<WasiState>>::new(&engine);
        add_to_linker(&mut ours, |state| {
            state.as_mut().expect("nothing is called")
        })?;
        let mut theirs = Linker::<Option<WasiP1Ctx>>::new(&engine);
        p1::add_to_linker_async(&mut theirs, |p1| p1.as_mut().expect("nothing is called"))?;
        assert_eq!(functions(&ours, None), functions(&theirs, None));
        Ok(())
    }
}
