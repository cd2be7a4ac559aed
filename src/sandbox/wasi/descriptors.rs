//! Calls that take a descriptor and need no guard of their own: reading, seeking, looking at one.
//!
//! They can tell whether there is a scratch directory, so each makes it; and a file system can take any
//! time.

use anyhow::Result;
use wasmtime::{Caller, Linker};
use wasmtime_wasi::p1::wasi_snapshot_preview1 as preview1;

use super::{Call, Host, PREVIEW1, answered};

/// Defines functions that only pass their arguments on. Those of wiggle that are asynchronous end with
/// `.await`.
macro_rules! pass_on {
    ($linker:ident: $($name:ident($($argument:ident: $type:ty),*)$(.$await:tt)?;)*) => {$(
        $linker.func_wrap_async(
            PREVIEW1,
            stringify!($name),
            |mut caller: Caller<'_, Host>, ($($argument,)*): ($($type,)*)| {
                Box::new(async move {
                    let mut call = Call::of_files(&mut caller).await?;
                    let answer = preview1::$name(call.wasi, &mut call.memory, $($argument),*);
                    answered(answer$(.$await)?)
                })
            },
        )?;
    )*};
}

/// Puts the calls in front of wasmtime's own.
///
/// # Errors
/// Never, unless wasmtime changes its names.
pub fn add(linker: &mut Linker<Host>) -> Result<()> {
    pass_on! { linker:
        fd_advise(fd: i32, from: i64, length: i64, advice: i32).await;
        fd_allocate(fd: i32, from: i64, length: i64);
        fd_fdstat_get(fd: i32, to: i32).await;
        fd_fdstat_set_rights(fd: i32, base: i64, inheriting: i64);
        fd_filestat_get(fd: i32, to: i32).await;
        fd_filestat_set_times(fd: i32, accessed: i64, modified: i64, which: i32).await;
        fd_pread(fd: i32, buffers: i32, count: i32, at: i64, read: i32).await;
        fd_prestat_dir_name(fd: i32, to: i32, length: i32);
        fd_prestat_get(fd: i32, to: i32);
        fd_read(fd: i32, buffers: i32, count: i32, read: i32).await;
        fd_readdir(fd: i32, to: i32, length: i32, cookie: i64, used: i32).await;
        fd_seek(fd: i32, offset: i64, whence: i32, position: i32).await;
        fd_tell(fd: i32, position: i32);
        sock_accept(fd: i32, flags: i32, accepted: i32);
        sock_recv(fd: i32, buffers: i32, count: i32, flags: i32, read: i32, out_flags: i32);
        sock_send(fd: i32, buffers: i32, count: i32, flags: i32, written: i32);
        sock_shutdown(fd: i32, how: i32);
    }
    Ok(())
}
