//! Every function of WASI preview 1: passed on to wasmtime, guarded, or our own. The compiler asks for each one that
//! an upgrade of wasmtime adds or changes.
//!
//! The scratch directory exists wherever a function depends on it; `linker` knows where.

use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p1::types::{
    Advice, CiovecArray, Clockid, Dircookie, Errno, Error, Event, Exitcode, Fd, Fdflags, Fdstat,
    Filedelta, Filesize, Filestat, Fstflags, IovecArray, Lookupflags, Oflags, Prestat, Riflags,
    Rights, Roflags, Sdflags, Siflags, Signal, Size, Subscription, Timestamp, Whence,
};
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::{GuestMemory, GuestPtr};

use super::paths::{check_length, is_file};
use super::state::WasiState;
use crate::sandbox::turn::SHORT_TEXT;

/// Most bytes of randomness in one call. wasi-libc asks for 256 at a time.
const MAX_RANDOM: u32 = 64 << 10;

type Result<T> = std::result::Result<T, Error>;

/// Functions that wasmtime implements and nothing guards.
macro_rules! pass_on {
    ($(async fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        async fn $name(
            &mut self,
            memory: &mut GuestMemory<'_>,
            $($argument: $type),*
        ) -> Result<$result> {
            self.p1().$name(memory, $($argument),*).await
        }
    )*};
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        fn $name(
            &mut self,
            memory: &mut GuestMemory<'_>,
            $($argument: $type),*
        ) -> Result<$result> {
            self.p1().$name(memory, $($argument),*)
        }
    )*};
}

/// Functions that fail with `EPERM`.
macro_rules! refuse {
    ($(async fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        async fn $name(&mut self, _: &mut GuestMemory<'_>, $(_: $type),*) -> Result<$result> {
            Err(Errno::Perm.into())
        }
    )*};
}

impl WasiSnapshotPreview1 for WasiState {
    fn set_hostcall_fuel(&mut self, fuel: usize) {
        self.p1().set_hostcall_fuel(fuel);
    }

    pass_on! {
        fn args_get(arguments: GuestPtr<GuestPtr<u8>>, buffer: GuestPtr<u8>) -> ();
        fn args_sizes_get() -> (Size, Size);
        fn environ_get(variables: GuestPtr<GuestPtr<u8>>, buffer: GuestPtr<u8>) -> ();
        fn environ_sizes_get() -> (Size, Size);
        fn fd_allocate(fd: Fd, offset: Filesize, length: Filesize) -> ();
        fn fd_fdstat_set_rights(fd: Fd, base: Rights, inheriting: Rights) -> ();
        fn fd_prestat_dir_name(fd: Fd, path: GuestPtr<u8>, length: Size) -> ();
        fn fd_prestat_get(fd: Fd) -> Prestat;
        fn fd_tell(fd: Fd) -> Filesize;
        fn proc_raise(signal: Signal) -> ();
        fn sched_yield() -> ();
        fn sock_accept(fd: Fd, flags: Fdflags) -> Fd;
        fn sock_recv(fd: Fd, buffers: IovecArray, flags: Riflags) -> (Size, Roflags);
        fn sock_send(fd: Fd, buffers: CiovecArray, flags: Siflags) -> Size;
        fn sock_shutdown(fd: Fd, how: Sdflags) -> ();
    }

    pass_on! {
        async fn fd_advise(fd: Fd, offset: Filesize, length: Filesize, advice: Advice) -> ();
        async fn fd_fdstat_get(fd: Fd) -> Fdstat;
        async fn fd_filestat_get(fd: Fd) -> Filestat;
        async fn fd_filestat_set_times(
            fd: Fd, accessed: Timestamp, modified: Timestamp, which: Fstflags
        ) -> ();
        async fn fd_pread(fd: Fd, buffers: IovecArray, offset: Filesize) -> Size;
        async fn fd_readdir(
            fd: Fd, buffer: GuestPtr<u8>, length: Size, cookie: Dircookie
        ) -> Size;
        async fn fd_seek(fd: Fd, offset: Filedelta, whence: Whence) -> Filesize;
    }

    // A link has no use in a directory that only one script sees, and links have led out of sandboxes.
    refuse! {
        async fn path_link(
            fd: Fd, flags: Lookupflags, path: GuestPtr<str>, link_fd: Fd, link: GuestPtr<str>
        ) -> ();
        async fn path_symlink(target: GuestPtr<str>, fd: Fd, link: GuestPtr<str>) -> ();
    }

    /// Nanoseconds.
    fn clock_res_get(&mut self, memory: &mut GuestMemory<'_>, id: Clockid) -> Result<Timestamp> {
        match id {
            Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => Ok(1),
            id => self.p1().clock_res_get(memory, id),
        }
    }

    /// wasmtime has no clock of processor time. A guest has one thread, so the two clocks are the same.
    fn clock_time_get(
        &mut self,
        memory: &mut GuestMemory<'_>,
        id: Clockid,
        precision: Timestamp,
    ) -> Result<Timestamp> {
        match id {
            Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => {
                Ok(u64::try_from(self.cpu.now().as_nanos())?)
            }
            Clockid::Realtime => Ok(u64::try_from(self.wall_clock.now().as_nanos())?),
            Clockid::Monotonic => self.p1().clock_time_get(memory, id, precision),
        }
    }

    async fn fd_close(&mut self, memory: &mut GuestMemory<'_>, fd: Fd) -> Result<()> {
        self.p1().fd_close(memory, fd).await?;
        self.quota.closed(fd.into());
        Ok(())
    }

    async fn fd_datasync(&mut self, _: &mut GuestMemory<'_>, fd: Fd) -> Result<()> {
        self.flush(fd)
    }

    fn fd_fdstat_set_flags(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        flags: Fdflags,
    ) -> Result<()> {
        self.p1().fd_fdstat_set_flags(memory, fd, flags)?;
        let appends = flags.contains(Fdflags::APPEND);
        self.quota.set_append(fd.into(), appends);
        Ok(())
    }

    async fn fd_filestat_set_size(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        size: Filesize,
    ) -> Result<()> {
        if !self.quota.may_resize(fd.into(), size) {
            return Err(Errno::Nospc.into());
        }
        let resized = self.p1().fd_filestat_set_size(memory, fd, size).await;
        self.check_storage(resized)?;
        self.quota.resized(fd.into(), size);
        Ok(())
    }

    async fn fd_pwrite(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffers: CiovecArray,
        offset: Filesize,
    ) -> Result<Size> {
        self.check_room(memory, fd, offset, buffers)?;
        let written = self.p1().fd_pwrite(memory, fd, buffers, offset).await;
        self.written(written, fd, offset)
    }

    async fn fd_read(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffers: IovecArray,
    ) -> Result<Size> {
        // wasmtime copies as much of stdin as fits into the guest's buffer.
        if self.context.stdin().len() > SHORT_TEXT {
            self.turn.leave_connection_thread().await;
        }
        self.p1().fd_read(memory, fd, buffers).await
    }

    async fn fd_renumber(&mut self, memory: &mut GuestMemory<'_>, from: Fd, to: Fd) -> Result<()> {
        self.p1().fd_renumber(memory, from, to).await?;
        self.quota.renumbered(from.into(), to.into());
        Ok(())
    }

    async fn fd_sync(&mut self, _: &mut GuestMemory<'_>, fd: Fd) -> Result<()> {
        self.flush(fd)
    }

    async fn fd_write(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        buffers: CiovecArray,
    ) -> Result<Size> {
        if !self.quota.is_file(fd.into()) {
            return self.p1().fd_write(memory, fd, buffers).await;
        }
        let position = self.position(memory, fd);
        self.check_room(memory, fd, position, buffers)?;
        let written = self.p1().fd_write(memory, fd, buffers).await;
        self.written(written, fd, position)
    }

    async fn path_create_directory(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        path: GuestPtr<str>,
    ) -> Result<()> {
        check_length(path)?;
        if !self.quota.may_create() {
            return Err(Errno::Nospc.into());
        }
        let created = self.p1().path_create_directory(memory, fd, path).await;
        self.check_storage(created)?;
        self.quota.created_directory();
        Ok(())
    }

    async fn path_filestat_get(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        flags: Lookupflags,
        path: GuestPtr<str>,
    ) -> Result<Filestat> {
        check_length(path)?;
        self.p1().path_filestat_get(memory, fd, flags, path).await
    }

    async fn path_filestat_set_times(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        flags: Lookupflags,
        path: GuestPtr<str>,
        accessed: Timestamp,
        modified: Timestamp,
        which: Fstflags,
    ) -> Result<()> {
        check_length(path)?;
        let p1 = self.p1();
        p1.path_filestat_set_times(memory, fd, flags, path, accessed, modified, which)
            .await
    }

    async fn path_open(
        &mut self,
        memory: &mut GuestMemory<'_>,
        directory: Fd,
        lookup: Lookupflags,
        path: GuestPtr<str>,
        open: Oflags,
        rights: Rights,
        inheriting: Rights,
        flags: Fdflags,
    ) -> Result<Fd> {
        check_length(path)?;
        if !self.quota.may_open() {
            return Err(Errno::Mfile.into());
        }
        if open.contains(Oflags::CREAT)
            && !self.quota.may_create()
            && self.look_up(memory, directory, path).await.is_none()
        {
            return Err(Errno::Nospc.into());
        }
        let p1 = self.p1();
        let opened = p1.path_open(
            memory, directory, lookup, path, open, rights, inheriting, flags,
        );
        let opened = opened.await;
        let fd = self.check_storage(opened)?;
        match self.p1().fd_filestat_get(memory, fd).await {
            Ok(stat) if is_file(&stat) => {
                let appends = flags.contains(Fdflags::APPEND);
                self.quota
                    .opened_file(fd.into(), stat.ino, stat.size, appends);
            }
            _ => self.quota.opened_directory(fd.into()),
        }
        Ok(fd)
    }

    async fn path_readlink(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        path: GuestPtr<str>,
        buffer: GuestPtr<u8>,
        length: Size,
    ) -> Result<Size> {
        check_length(path)?;
        self.p1()
            .path_readlink(memory, fd, path, buffer, length)
            .await
    }

    async fn path_remove_directory(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        path: GuestPtr<str>,
    ) -> Result<()> {
        check_length(path)?;
        self.p1().path_remove_directory(memory, fd, path).await?;
        self.quota.removed_directory();
        Ok(())
    }

    async fn path_rename(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        path: GuestPtr<str>,
        new_fd: Fd,
        new_path: GuestPtr<str>,
    ) -> Result<()> {
        check_length(path)?;
        check_length(new_path)?;
        let source = self.look_up(memory, fd, path).await;
        let replaced = self.look_up(memory, new_fd, new_path).await;
        let renamed = self
            .p1()
            .path_rename(memory, fd, path, new_fd, new_path)
            .await;
        self.check_storage(renamed)?;
        if let Some(replaced) = replaced
            && source.is_none_or(|source| source.ino != replaced.ino)
        {
            if is_file(&replaced) {
                self.quota.unlinked(replaced.ino);
            } else {
                self.quota.removed_directory();
            }
        }
        Ok(())
    }

    async fn path_unlink_file(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        path: GuestPtr<str>,
    ) -> Result<()> {
        check_length(path)?;
        let found = self.look_up(memory, fd, path).await;
        self.p1().path_unlink_file(memory, fd, path).await?;
        if let Some(stat) = found {
            self.quota.unlinked(stat.ino);
        }
        Ok(())
    }

    async fn poll_oneoff(
        &mut self,
        memory: &mut GuestMemory<'_>,
        subscriptions: GuestPtr<Subscription>,
        events: GuestPtr<Event>,
        count: Size,
    ) -> Result<Size> {
        self.poll(memory, subscriptions, events, count).await
    }

    /// wasmtime refuses codes of 126 and more, which shells give a meaning of their own.
    fn proc_exit(&mut self, _: &mut GuestMemory<'_>, code: Exitcode) -> wasmtime::Error {
        I32Exit(code.cast_signed()).into()
    }

    fn random_get(
        &mut self,
        memory: &mut GuestMemory<'_>,
        buffer: GuestPtr<u8>,
        length: Size,
    ) -> Result<()> {
        if length > MAX_RANDOM {
            return Err(Errno::Inval.into());
        }
        if let Some(bytes) = memory.as_slice_mut(buffer.as_array(length))?
            && self.random.fill(bytes)
        {
            return Ok(());
        }
        self.p1().random_get(memory, buffer, length)
    }
}
