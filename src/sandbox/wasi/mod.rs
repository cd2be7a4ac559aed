//! WASI as a guest sees it: wasmtime's, with a guard in front of what that leaves open.
//!
//! wasmtime-wasi bounds neither descriptors nor bytes nor entries, and knows calls whose work the
//! guest does not pay for. The functions that matter are put in front of its own: each looks at
//! the [`Quota`], lets wasmtime do the work and notes what came of it. Their signatures are those of
//! `wasi_snapshot_preview1`, in which every argument is a number.

mod quota;

use std::time::Duration;

use anyhow::Result;
use wasmtime::{AsContextMut, Caller, Linker};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p1::types::{self, Errno};
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self as preview1, WasiSnapshotPreview1};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wiggle::{GuestMemory, GuestPtr};

pub use self::quota::{FileLimits, Quota};
use super::Host;

/// The module whose functions the guest imports.
const PREVIEW1: &str = "wasi_snapshot_preview1";

/// Most bytes of randomness in one call. wasi-libc asks for 256 at a time.
const MAX_RANDOM: i32 = 64 << 10;

/// Most events to wait for at once. There are never more descriptors than this.
const MAX_SUBSCRIPTIONS: i32 = 64;

/// `path_open`'s flag to create a file.
const CREATE: i32 = 1;

/// The flag of a descriptor that appends.
const APPEND: i32 = 1;

/// What guards one run's calls.
pub struct Guard {
    /// What it does to its scratch directory.
    pub quota: Quota,
    /// How many calls it has made.
    pub calls: u64,
}

impl Guard {
    /// For a run that has not begun.
    pub fn new(limits: FileLimits) -> Self {
        Self {
            quota: Quota::new(limits),
            calls: 0,
        }
    }
}

/// Defines all that a guest may import.
///
/// # Errors
/// Never, unless wasmtime changes its names.
pub fn add_to_linker(linker: &mut Linker<Host>) -> Result<()> {
    p1::add_to_linker_async(linker, |host: &mut Host| {
        host.guard.calls += 1;
        &mut host.wasi
    })?;
    linker.allow_shadowing(true);
    guard_descriptors(linker)?;
    guard_sizes(linker)?;
    guard_entries(linker)?;
    refuse_links(linker)?;
    refuse_sockets(linker)?;
    guard_waiting(linker)?;
    // wasmtime refuses codes of 126 and more, which shells give a meaning of their own.
    linker.func_wrap(PREVIEW1, "proc_exit", |_: Caller<'_, Host>, code: i32| {
        wasmtime::Result::<()>::Err(I32Exit(code).into())
    })?;
    Ok(())
}

/// A guest's memory and the state behind its calls.
struct Call<'a> {
    memory: GuestMemory<'a>,
    wasi: &'a mut WasiP1Ctx,
    quota: &'a mut Quota,
}

impl<'a> Call<'a> {
    fn new(caller: &'a mut Caller<'_, Host>) -> wasmtime::Result<Self> {
        let fuel = caller.as_context_mut().hostcall_fuel();
        let memory = caller
            .get_export("memory")
            .and_then(wasmtime::Extern::into_memory);
        let memory = memory.ok_or_else(|| wasmtime::format_err!("the guest has no memory"))?;
        let (memory, host) = memory.data_and_store_mut(caller);
        host.wasi.set_hostcall_fuel(fuel);
        host.guard.calls += 1;
        Ok(Self {
            memory: GuestMemory::Unshared(memory),
            wasi: &mut host.wasi,
            quota: &mut host.guard.quota,
        })
    }

    /// The number that a call has left at `at`.
    fn read_u32(&self, at: i32) -> wasmtime::Result<u32> {
        Ok(self.memory.read(GuestPtr::new(at.cast_unsigned()))?)
    }

    /// What a path leads to, if anything.
    async fn look_up(&mut self, directory: i32, path: i32, length: i32) -> Option<types::Filestat> {
        let path = GuestPtr::new((path.cast_unsigned(), length.cast_unsigned()));
        let flags = types::Lookupflags::empty();
        let found = self
            .wasi
            .path_filestat_get(&mut self.memory, directory.into(), flags, path);
        found.await.ok()
    }

    /// Where the next write through `fd` starts, unless it appends.
    fn position(&mut self, fd: i32) -> u64 {
        self.wasi.fd_tell(&mut self.memory, fd.into()).unwrap_or(0)
    }
}

fn errno(errno: Errno) -> i32 {
    i32::from(u16::from(errno))
}

/// Whether a call has done what it should.
fn succeeded(answer: i32) -> bool {
    answer == errno(Errno::Success)
}

fn is_file(stat: &types::Filestat) -> bool {
    stat.filetype == types::Filetype::RegularFile
}

/// Opening and closing.
fn guard_descriptors(linker: &mut Linker<Host>) -> Result<()> {
    type PathOpen = (i32, i32, i32, i32, i32, i64, i64, i32, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "path_open",
        |mut caller: Caller<'_, Host>, args: PathOpen| {
            Box::new(async move {
                let mut call = Call::new(&mut caller)?;
                let (directory, lookup, path, length, open, rights, inheriting, flags, opened) =
                    args;
                if !call.quota.may_open() {
                    return Ok(errno(Errno::Mfile));
                }
                if open & CREATE != 0
                    && !call.quota.may_create()
                    && call.look_up(directory, path, length).await.is_none()
                {
                    return Ok(errno(Errno::Nospc));
                }
                call.quota.touch();
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
                )
                .await?;
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
                let mut call = Call::new(&mut caller)?;
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
                let mut call = Call::new(&mut caller)?;
                let answer = preview1::fd_renumber(call.wasi, &mut call.memory, from, to).await?;
                if succeeded(answer) {
                    call.quota
                        .renumbered(from.cast_unsigned(), to.cast_unsigned());
                }
                Ok(answer)
            })
        },
    )?;
    linker.func_wrap(
        PREVIEW1,
        "fd_fdstat_set_flags",
        |mut caller: Caller<'_, Host>, fd: i32, flags: i32| {
            let mut call = Call::new(&mut caller)?;
            let answer = preview1::fd_fdstat_set_flags(call.wasi, &mut call.memory, fd, flags)?;
            if succeeded(answer) {
                call.quota
                    .set_append(fd.cast_unsigned(), flags & APPEND != 0);
            }
            Ok(answer)
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
                let mut call = Call::new(&mut caller)?;
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
                let mut call = Call::new(&mut caller)?;
                if !call
                    .quota
                    .may_resize(fd.cast_unsigned(), size.cast_unsigned())
                {
                    return Ok(errno(Errno::Nospc));
                }
                let answer =
                    preview1::fd_filestat_set_size(call.wasi, &mut call.memory, fd, size).await?;
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
    if succeeded(answer) {
        let length = u64::from(call.read_u32(written)?);
        call.quota.written(fd.cast_unsigned(), position, length);
    }
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
                let mut call = Call::new(&mut caller)?;
                if !call.quota.may_create() {
                    return Ok(errno(Errno::Nospc));
                }
                call.quota.touch();
                let answer =
                    preview1::path_create_directory(call.wasi, &mut call.memory, fd, path, length)
                        .await?;
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
                let mut call = Call::new(&mut caller)?;
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
                let mut call = Call::new(&mut caller)?;
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
                let mut call = Call::new(&mut caller)?;
                let (fd, path, length, new_fd, new_path, new_length) = args;
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
    // Times are the one thing of the directory itself that a guest could leave behind.
    type PathTimes = (i32, i32, i32, i32, i64, i64, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "path_filestat_set_times",
        |mut caller: Caller<'_, Host>, args: PathTimes| {
            Box::new(async move {
                let call = &mut Call::new(&mut caller)?;
                let (fd, lookup, path, length, accessed, modified, flags) = args;
                call.quota.touch();
                preview1::path_filestat_set_times(
                    call.wasi,
                    &mut call.memory,
                    fd,
                    lookup,
                    path,
                    length,
                    accessed,
                    modified,
                    flags,
                )
                .await
            })
        },
    )?;
    type Times = (i32, i64, i64, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "fd_filestat_set_times",
        |mut caller: Caller<'_, Host>, args: Times| {
            Box::new(async move {
                let call = &mut Call::new(&mut caller)?;
                let (fd, accessed, modified, flags) = args;
                call.quota.touch();
                preview1::fd_filestat_set_times(
                    call.wasi,
                    &mut call.memory,
                    fd,
                    accessed,
                    modified,
                    flags,
                )
                .await
            })
        },
    )?;
    Ok(())
}

/// A link has no use in a directory that only one script sees, and links have led out of sandboxes.
fn refuse_links(linker: &mut Linker<Host>) -> Result<()> {
    let refusal = errno(Errno::Perm);
    linker.func_wrap(
        PREVIEW1,
        "path_link",
        move |_: Caller<'_, Host>, _: i32, _: i32, _: i32, _: i32, _: i32, _: i32, _: i32| refusal,
    )?;
    linker.func_wrap(
        PREVIEW1,
        "path_symlink",
        move |_: Caller<'_, Host>, _: i32, _: i32, _: i32, _: i32, _: i32| refusal,
    )?;
    Ok(())
}

/// There are no sockets. wasmtime says so too, but writes a line to the log each time.
fn refuse_sockets(linker: &mut Linker<Host>) -> Result<()> {
    let refusal = errno(Errno::Notsock);
    linker.func_wrap(
        PREVIEW1,
        "sock_accept",
        move |_: Caller<'_, Host>, _: i32, _: i32, _: i32| refusal,
    )?;
    linker.func_wrap(
        PREVIEW1,
        "sock_recv",
        move |_: Caller<'_, Host>, _: i32, _: i32, _: i32, _: i32, _: i32, _: i32| refusal,
    )?;
    linker.func_wrap(
        PREVIEW1,
        "sock_send",
        move |_: Caller<'_, Host>, _: i32, _: i32, _: i32, _: i32, _: i32| refusal,
    )?;
    linker.func_wrap(
        PREVIEW1,
        "sock_shutdown",
        move |_: Caller<'_, Host>, _: i32, _: i32| refusal,
    )?;
    Ok(())
}

/// Calls that could keep a thread busy or blocked for long.
fn guard_waiting(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(
        PREVIEW1,
        "random_get",
        |mut caller: Caller<'_, Host>, to: i32, length: i32| {
            let mut call = Call::new(&mut caller)?;
            if !(0..=MAX_RANDOM).contains(&length) {
                return Ok(errno(Errno::Inval));
            }
            preview1::random_get(call.wasi, &mut call.memory, to, length)
        },
    )?;
    // The directory does not outlive the run, so there is nothing to keep safe; a disk may take long.
    for name in ["fd_sync", "fd_datasync"] {
        linker.func_wrap(PREVIEW1, name, |mut caller: Caller<'_, Host>, fd: i32| {
            let call = Call::new(&mut caller)?;
            let known = call.quota.is_open(fd.cast_unsigned());
            Ok(errno(if known { Errno::Success } else { Errno::Badf }))
        })?;
    }
    type Poll = (i32, i32, i32, i32);
    linker.func_wrap_async(
        PREVIEW1,
        "poll_oneoff",
        |mut caller: Caller<'_, Host>, args: Poll| {
            Box::new(async move {
                let (subscriptions, events, count, happened) = args;
                let mut call = Call::new(&mut caller)?;
                if !(1..=MAX_SUBSCRIPTIONS).contains(&count) {
                    return Ok(errno(Errno::Inval));
                }
                let ready = call.ready_files(subscriptions, count)?;
                if !ready.is_empty() {
                    return call.report(&ready, events, happened);
                }
                if count == 1
                    && let Some((userdata, time)) = call.only_a_pause(subscriptions)?
                {
                    tokio::time::sleep(time).await;
                    return call.report(
                        &[event(userdata, types::Eventtype::Clock)],
                        events,
                        happened,
                    );
                }
                preview1::poll_oneoff(
                    call.wasi,
                    &mut call.memory,
                    subscriptions,
                    events,
                    count,
                    happened,
                )
                .await
            })
        },
    )?;
    Ok(())
}

fn event(userdata: u64, type_: types::Eventtype) -> types::Event {
    let fd_readwrite = types::EventFdReadwrite {
        nbytes: 0,
        flags: types::Eventrwflags::empty(),
    };
    types::Event {
        userdata,
        error: Errno::Success,
        type_,
        fd_readwrite,
    }
}

impl Call<'_> {
    /// What a guest waits for.
    fn subscription(&self, first: i32, index: u32) -> wasmtime::Result<types::Subscription> {
        let all = GuestPtr::<types::Subscription>::new(first.cast_unsigned());
        Ok(self.memory.read(all.add(index)?)?)
    }

    /// The events of files among what a guest waits for. A file is always ready; wasmtime would
    /// start to read it, on a thread of its own, to find that out.
    fn ready_files(&self, first: i32, count: i32) -> wasmtime::Result<Vec<types::Event>> {
        let mut ready = Vec::new();
        for index in 0..count.cast_unsigned() {
            let subscription = self.subscription(first, index)?;
            let (fd, type_) = match subscription.u {
                types::SubscriptionU::FdRead(wait) => {
                    (wait.file_descriptor, types::Eventtype::FdRead)
                }
                types::SubscriptionU::FdWrite(wait) => {
                    (wait.file_descriptor, types::Eventtype::FdWrite)
                }
                types::SubscriptionU::Clock(_) => continue,
            };
            if self.quota.counts(fd.into()) {
                ready.push(event(subscription.userdata, type_));
            }
        }
        Ok(ready)
    }

    /// Tells the guest what has happened.
    fn report(
        &mut self,
        ready: &[types::Event],
        events: i32,
        happened: i32,
    ) -> wasmtime::Result<i32> {
        let mut at = GuestPtr::<types::Event>::new(events.cast_unsigned());
        for event in ready {
            self.memory.write(at, event.clone())?;
            at = at.add(1)?;
        }
        let count = u32::try_from(ready.len())?;
        self.memory
            .write(GuestPtr::new(happened.cast_unsigned()), count)?;
        Ok(errno(Errno::Success))
    }

    /// The pause that a subscription asks for, if it is just that: wasmtime would put the whole
    /// thread to sleep, since file calls are allowed to block theirs.
    fn only_a_pause(&self, subscription: i32) -> wasmtime::Result<Option<(u64, Duration)>> {
        let subscription = self.subscription(subscription, 0)?;
        Ok(match subscription.u {
            types::SubscriptionU::Clock(clock)
                if !clock
                    .flags
                    .contains(types::Subclockflags::SUBSCRIPTION_CLOCK_ABSTIME) =>
            {
                Some((subscription.userdata, Duration::from_nanos(clock.timeout)))
            }
            _ => None,
        })
    }
}
