/* The layer between wasi-libc and the host, which translates WASI's error numbers to Linux's and emulates
 * descriptors that the host does not have. wasi-libc calls the functions `__wasi_...`. */

#include "pyconfig.h"

#include "libc/wasi.h"

#include <errno.h>
#include <string.h>

#include "libc/files/descriptors.h"
#include "libc/files/devices.h"

static const uint8_t linux_errors[] = {
    [__WASI_ERRNO_2BIG] = E2BIG,
    [__WASI_ERRNO_ACCES] = EACCES,
    [__WASI_ERRNO_ADDRINUSE] = EADDRINUSE,
    [__WASI_ERRNO_ADDRNOTAVAIL] = EADDRNOTAVAIL,
    [__WASI_ERRNO_AFNOSUPPORT] = EAFNOSUPPORT,
    [__WASI_ERRNO_AGAIN] = EAGAIN,
    [__WASI_ERRNO_ALREADY] = EALREADY,
    [__WASI_ERRNO_BADF] = EBADF,
    [__WASI_ERRNO_BADMSG] = EBADMSG,
    [__WASI_ERRNO_BUSY] = EBUSY,
    [__WASI_ERRNO_CANCELED] = ECANCELED,
    [__WASI_ERRNO_CHILD] = ECHILD,
    [__WASI_ERRNO_CONNABORTED] = ECONNABORTED,
    [__WASI_ERRNO_CONNREFUSED] = ECONNREFUSED,
    [__WASI_ERRNO_CONNRESET] = ECONNRESET,
    [__WASI_ERRNO_DEADLK] = EDEADLK,
    [__WASI_ERRNO_DESTADDRREQ] = EDESTADDRREQ,
    [__WASI_ERRNO_DOM] = EDOM,
    [__WASI_ERRNO_DQUOT] = EDQUOT,
    [__WASI_ERRNO_EXIST] = EEXIST,
    [__WASI_ERRNO_FAULT] = EFAULT,
    [__WASI_ERRNO_FBIG] = EFBIG,
    [__WASI_ERRNO_HOSTUNREACH] = EHOSTUNREACH,
    [__WASI_ERRNO_IDRM] = EIDRM,
    [__WASI_ERRNO_ILSEQ] = EILSEQ,
    [__WASI_ERRNO_INPROGRESS] = EINPROGRESS,
    [__WASI_ERRNO_INTR] = EINTR,
    [__WASI_ERRNO_INVAL] = EINVAL,
    [__WASI_ERRNO_IO] = EIO,
    [__WASI_ERRNO_ISCONN] = EISCONN,
    [__WASI_ERRNO_ISDIR] = EISDIR,
    [__WASI_ERRNO_LOOP] = ELOOP,
    [__WASI_ERRNO_MFILE] = EMFILE,
    [__WASI_ERRNO_MLINK] = EMLINK,
    [__WASI_ERRNO_MSGSIZE] = EMSGSIZE,
    [__WASI_ERRNO_MULTIHOP] = EMULTIHOP,
    [__WASI_ERRNO_NAMETOOLONG] = ENAMETOOLONG,
    [__WASI_ERRNO_NETDOWN] = ENETDOWN,
    [__WASI_ERRNO_NETRESET] = ENETRESET,
    [__WASI_ERRNO_NETUNREACH] = ENETUNREACH,
    [__WASI_ERRNO_NFILE] = ENFILE,
    [__WASI_ERRNO_NOBUFS] = ENOBUFS,
    [__WASI_ERRNO_NODEV] = ENODEV,
    [__WASI_ERRNO_NOENT] = ENOENT,
    [__WASI_ERRNO_NOEXEC] = ENOEXEC,
    [__WASI_ERRNO_NOLCK] = ENOLCK,
    [__WASI_ERRNO_NOLINK] = ENOLINK,
    [__WASI_ERRNO_NOMEM] = ENOMEM,
    [__WASI_ERRNO_NOMSG] = ENOMSG,
    [__WASI_ERRNO_NOPROTOOPT] = ENOPROTOOPT,
    [__WASI_ERRNO_NOSPC] = ENOSPC,
    [__WASI_ERRNO_NOSYS] = ENOSYS,
    [__WASI_ERRNO_NOTCONN] = ENOTCONN,
    [__WASI_ERRNO_NOTDIR] = ENOTDIR,
    [__WASI_ERRNO_NOTEMPTY] = ENOTEMPTY,
    [__WASI_ERRNO_NOTRECOVERABLE] = ENOTRECOVERABLE,
    [__WASI_ERRNO_NOTSOCK] = ENOTSOCK,
    [__WASI_ERRNO_NOTSUP] = ENOTSUP,
    [__WASI_ERRNO_NOTTY] = ENOTTY,
    [__WASI_ERRNO_NXIO] = ENXIO,
    [__WASI_ERRNO_OVERFLOW] = EOVERFLOW,
    [__WASI_ERRNO_OWNERDEAD] = EOWNERDEAD,
    [__WASI_ERRNO_PERM] = EPERM,
    [__WASI_ERRNO_PIPE] = EPIPE,
    [__WASI_ERRNO_PROTO] = EPROTO,
    [__WASI_ERRNO_PROTONOSUPPORT] = EPROTONOSUPPORT,
    [__WASI_ERRNO_PROTOTYPE] = EPROTOTYPE,
    [__WASI_ERRNO_RANGE] = ERANGE,
    [__WASI_ERRNO_ROFS] = EROFS,
    [__WASI_ERRNO_SPIPE] = ESPIPE,
    [__WASI_ERRNO_SRCH] = ESRCH,
    [__WASI_ERRNO_STALE] = ESTALE,
    [__WASI_ERRNO_TIMEDOUT] = ETIMEDOUT,
    [__WASI_ERRNO_TXTBSY] = ETXTBSY,
    [__WASI_ERRNO_XDEV] = EXDEV,
    [__WASI_ERRNO_NOTCAPABLE] = EACCES,
};

int linux_error(int error)
{
    return error >= 0 && (size_t)error < sizeof linux_errors ? linux_errors[error] : EIO;
}

/* As linux_error, for calls on a descriptor that was opened for another purpose. */
static int descriptor_error(int error)
{
    return error == __WASI_ERRNO_NOTCAPABLE ? EBADF : linux_error(error);
}

/* --- calls that are passed on --- */

HOST(args_get, uint8_t **, uint8_t *);
HOST(args_sizes_get, size_t *, size_t *);
HOST(environ_get, uint8_t **, uint8_t *);
HOST(environ_sizes_get, size_t *, size_t *);
HOST(clock_res_get, int, __wasi_timestamp_t *);
HOST(clock_time_get, int, __wasi_timestamp_t, __wasi_timestamp_t *);
HOST(fd_advise, int, __wasi_filesize_t, __wasi_filesize_t, int);
HOST(fd_allocate, int, __wasi_filesize_t, __wasi_filesize_t);
HOST(fd_datasync, int);
HOST(fd_fdstat_set_flags, int, int);
HOST(fd_fdstat_set_rights, int, __wasi_rights_t, __wasi_rights_t);
HOST(fd_filestat_set_size, int, __wasi_filesize_t);
HOST(fd_filestat_set_times, int, __wasi_timestamp_t, __wasi_timestamp_t, int);
HOST(fd_pread, int, const __wasi_iovec_t *, size_t, __wasi_filesize_t, size_t *);
HOST(fd_prestat_get, int, __wasi_prestat_t *);
HOST(fd_prestat_dir_name, int, uint8_t *, size_t);
HOST(fd_pwrite, int, const __wasi_ciovec_t *, size_t, __wasi_filesize_t, size_t *);
HOST(fd_read, int, const __wasi_iovec_t *, size_t, size_t *);
HOST(fd_readdir, int, uint8_t *, size_t, __wasi_dircookie_t, size_t *);
HOST(fd_seek, int, __wasi_filedelta_t, int, __wasi_filesize_t *);
HOST(fd_sync, int);
HOST(fd_tell, int, __wasi_filesize_t *);
HOST(fd_write, int, const __wasi_ciovec_t *, size_t, size_t *);
HOST(path_create_directory, int, const char *, size_t);
HOST(path_filestat_get, int, int, const char *, size_t, __wasi_filestat_t *);
HOST(path_filestat_set_times, int, int, const char *, size_t, __wasi_timestamp_t, __wasi_timestamp_t, int);
HOST(path_link, int, int, const char *, size_t, int, const char *, size_t);
HOST(path_readlink, int, const char *, size_t, uint8_t *, size_t, size_t *);
HOST(path_remove_directory, int, const char *, size_t);
HOST(path_rename, int, const char *, size_t, int, const char *, size_t);
HOST(path_symlink, const char *, size_t, int, const char *, size_t);
HOST(path_unlink_file, int, const char *, size_t);
HOST(poll_oneoff, const __wasi_subscription_t *, __wasi_event_t *, size_t, size_t *);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_exit"))) _Noreturn void host_proc_exit(int);
HOST(sched_yield, void);
HOST(sock_accept, int, int, __wasi_fd_t *);
HOST(sock_recv, int, const __wasi_iovec_t *, size_t, int, size_t *, __wasi_roflags_t *);
HOST(sock_send, int, const __wasi_ciovec_t *, size_t, int, size_t *);
HOST(sock_shutdown, int, int);

__wasi_errno_t __wasi_args_get(uint8_t **arguments, uint8_t *buffer)
{
    return linux_error(host_args_get(arguments, buffer));
}

__wasi_errno_t __wasi_args_sizes_get(__wasi_size_t *count, __wasi_size_t *size)
{
    return linux_error(host_args_sizes_get(count, size));
}

__wasi_errno_t __wasi_environ_get(uint8_t **variables, uint8_t *buffer)
{
    return linux_error(host_environ_get(variables, buffer));
}

__wasi_errno_t __wasi_environ_sizes_get(__wasi_size_t *count, __wasi_size_t *size)
{
    return linux_error(host_environ_sizes_get(count, size));
}

__wasi_errno_t __wasi_clock_res_get(__wasi_clockid_t id, __wasi_timestamp_t *to)
{
    return linux_error(host_clock_res_get(id, to));
}

__wasi_errno_t __wasi_clock_time_get(__wasi_clockid_t id, __wasi_timestamp_t precision, __wasi_timestamp_t *to)
{
    return linux_error(host_clock_time_get(id, precision, to));
}

_Noreturn void __wasi_proc_exit(__wasi_exitcode_t code)
{
    host_proc_exit(code);
}

__wasi_errno_t __wasi_sched_yield(void)
{
    return linux_error(host_sched_yield());
}

__wasi_errno_t __wasi_random_get(uint8_t *to, __wasi_size_t size)
{
    return linux_error(host_random_get(to, size));
}

__wasi_errno_t __wasi_fd_prestat_get(__wasi_fd_t fd, __wasi_prestat_t *to)
{
    return linux_error(host_fd_prestat_get(fd, to));
}

__wasi_errno_t __wasi_fd_prestat_dir_name(__wasi_fd_t fd, uint8_t *path, __wasi_size_t size)
{
    return linux_error(host_fd_prestat_dir_name(fd, path, size));
}

__wasi_errno_t __wasi_poll_oneoff(const __wasi_subscription_t *waits, __wasi_event_t *events, __wasi_size_t count,
                                  __wasi_size_t *happened)
{
    for (size_t i = 0; i < count; i++) {
        /* wasi-libc makes them for this one call. */
        __wasi_subscription_u_t *wait = (__wasi_subscription_u_t *)&waits[i].u;
        if (wait->tag == __WASI_EVENTTYPE_FD_READ || wait->tag == __WASI_EVENTTYPE_FD_WRITE) {
            wait->u.fd_read.file_descriptor = host_descriptor(wait->u.fd_read.file_descriptor);
        }
    }
    return linux_error(host_poll_oneoff(waits, events, count, happened));
}

__wasi_errno_t __wasi_sock_accept(__wasi_fd_t fd, __wasi_fdflags_t flags, __wasi_fd_t *to)
{
    return linux_error(host_sock_accept(host_descriptor(fd), flags, to));
}

__wasi_errno_t __wasi_sock_recv(__wasi_fd_t fd, const __wasi_iovec_t *buffers, size_t count, __wasi_riflags_t flags,
                                __wasi_size_t *size, __wasi_roflags_t *more)
{
    return linux_error(host_sock_recv(host_descriptor(fd), buffers, count, flags, size, more));
}

__wasi_errno_t __wasi_sock_send(__wasi_fd_t fd, const __wasi_ciovec_t *buffers, size_t count, __wasi_siflags_t flags,
                                __wasi_size_t *size)
{
    return linux_error(host_sock_send(host_descriptor(fd), buffers, count, flags, size));
}

__wasi_errno_t __wasi_sock_shutdown(__wasi_fd_t fd, __wasi_sdflags_t how)
{
    return linux_error(host_sock_shutdown(host_descriptor(fd), how));
}

/* --- calls with a path, which files/ has made one of the host's --- */

__wasi_errno_t __wasi_path_create_directory(__wasi_fd_t fd, const char *path)
{
    return linux_error(host_path_create_directory(fd, path, strlen(path)));
}

__wasi_errno_t __wasi_path_filestat_get(__wasi_fd_t fd, __wasi_lookupflags_t flags, const char *path,
                                        __wasi_filestat_t *to)
{
    return linux_error(host_path_filestat_get(fd, flags, path, strlen(path), to));
}

__wasi_errno_t __wasi_path_filestat_set_times(__wasi_fd_t fd, __wasi_lookupflags_t flags, const char *path,
                                              __wasi_timestamp_t accessed, __wasi_timestamp_t modified,
                                              __wasi_fstflags_t which)
{
    return linux_error(host_path_filestat_set_times(fd, flags, path, strlen(path), accessed, modified, which));
}

__wasi_errno_t __wasi_path_link(__wasi_fd_t fd, __wasi_lookupflags_t flags, const char *path, __wasi_fd_t new_fd,
                                const char *new_path)
{
    return linux_error(host_path_link(fd, flags, path, strlen(path), new_fd, new_path, strlen(new_path)));
}

__wasi_errno_t __wasi_path_open(__wasi_fd_t fd, __wasi_lookupflags_t lookup, const char *path, __wasi_oflags_t flags,
                                __wasi_rights_t rights, __wasi_rights_t inheriting, __wasi_fdflags_t fd_flags,
                                __wasi_fd_t *to)
{
    return linux_error(
        host_path_open(fd, lookup, path, strlen(path), flags, rights, inheriting, fd_flags, to));
}

__wasi_errno_t __wasi_path_readlink(__wasi_fd_t fd, const char *path, uint8_t *to, __wasi_size_t size,
                                    __wasi_size_t *used)
{
    return linux_error(host_path_readlink(fd, path, strlen(path), to, size, used));
}

__wasi_errno_t __wasi_path_remove_directory(__wasi_fd_t fd, const char *path)
{
    return linux_error(host_path_remove_directory(fd, path, strlen(path)));
}

__wasi_errno_t __wasi_path_rename(__wasi_fd_t fd, const char *path, __wasi_fd_t new_fd, const char *new_path)
{
    return linux_error(host_path_rename(fd, path, strlen(path), new_fd, new_path, strlen(new_path)));
}

__wasi_errno_t __wasi_path_symlink(const char *target, __wasi_fd_t fd, const char *path)
{
    return linux_error(host_path_symlink(target, strlen(target), fd, path, strlen(path)));
}

__wasi_errno_t __wasi_path_unlink_file(__wasi_fd_t fd, const char *path)
{
    return linux_error(host_path_unlink_file(fd, path, strlen(path)));
}

/* --- calls on a descriptor --- */

__wasi_errno_t __wasi_fd_close(__wasi_fd_t fd)
{
    return close_descriptor(fd);
}

__wasi_errno_t __wasi_fd_renumber(__wasi_fd_t fd, __wasi_fd_t to)
{
    return descriptor_error(host_fd_renumber(fd, to));
}

/* Returns the error of a call that makes sense for files only. */
static __wasi_errno_t on_files_only(enum kind kind, int error)
{
    return kind == ORDINARY ? descriptor_error(error) : is_directory(kind) ? EISDIR : EINVAL;
}

__wasi_errno_t __wasi_fd_advise(__wasi_fd_t fd, __wasi_filesize_t offset, __wasi_filesize_t size,
                                __wasi_advice_t advice)
{
    return kind_of(fd) != ORDINARY ? 0 : descriptor_error(host_fd_advise(host_descriptor(fd), offset, size, advice));
}

__wasi_errno_t __wasi_fd_allocate(__wasi_fd_t fd, __wasi_filesize_t offset, __wasi_filesize_t size)
{
    enum kind kind = kind_of(fd);
    return kind != ORDINARY ? ENODEV : descriptor_error(host_fd_allocate(host_descriptor(fd), offset, size));
}

__wasi_errno_t __wasi_fd_datasync(__wasi_fd_t fd)
{
    enum kind kind = kind_of(fd);
    return on_files_only(kind, kind == ORDINARY ? host_fd_datasync(host_descriptor(fd)) : 0);
}

__wasi_errno_t __wasi_fd_sync(__wasi_fd_t fd)
{
    enum kind kind = kind_of(fd);
    return on_files_only(kind, kind == ORDINARY ? host_fd_sync(host_descriptor(fd)) : 0);
}

__wasi_errno_t __wasi_fd_fdstat_get(__wasi_fd_t fd, __wasi_fdstat_t *to)
{
    int error = descriptor_error(host_fd_fdstat_get(host_descriptor(fd), to));
    enum kind kind = kind_of(fd);
    if (error == 0 && kind != ORDINARY) {
        to->fs_filetype = file_type(kind);
        to->fs_rights_base = to->fs_rights_inheriting = ~0ULL;
    }
    return error;
}

__wasi_errno_t __wasi_fd_fdstat_set_flags(__wasi_fd_t fd, __wasi_fdflags_t flags)
{
    enum kind kind = kind_of(fd);
    return kind != ORDINARY ? 0 : descriptor_error(host_fd_fdstat_set_flags(host_descriptor(fd), flags));
}

__wasi_errno_t __wasi_fd_fdstat_set_rights(__wasi_fd_t fd, __wasi_rights_t rights, __wasi_rights_t inheriting)
{
    return descriptor_error(host_fd_fdstat_set_rights(host_descriptor(fd), rights, inheriting));
}

__wasi_errno_t __wasi_fd_filestat_get(__wasi_fd_t fd, __wasi_filestat_t *to)
{
    enum kind kind = kind_of(fd);
    if (kind == ORDINARY) {
        return descriptor_error(host_fd_filestat_get(host_descriptor(fd), to));
    }
    *to = (__wasi_filestat_t){.dev = 1, .ino = kind, .nlink = 1, .filetype = file_type(kind)};
    return 0;
}

__wasi_errno_t __wasi_fd_filestat_set_size(__wasi_fd_t fd, __wasi_filesize_t size)
{
    enum kind kind = kind_of(fd);
    return on_files_only(kind, kind == ORDINARY ? host_fd_filestat_set_size(host_descriptor(fd), size) : 0);
}

__wasi_errno_t __wasi_fd_filestat_set_times(__wasi_fd_t fd, __wasi_timestamp_t accessed, __wasi_timestamp_t modified,
                                            __wasi_fstflags_t which)
{
    enum kind kind = kind_of(fd);
    return kind != ORDINARY
               ? EPERM
               : descriptor_error(host_fd_filestat_set_times(host_descriptor(fd), accessed, modified, which));
}

__wasi_errno_t __wasi_fd_seek(__wasi_fd_t fd, __wasi_filedelta_t offset, __wasi_whence_t whence, __wasi_filesize_t *to)
{
    if (kind_of(fd) != ORDINARY) {
        *to = 0;
        return 0;
    }
    return descriptor_error(host_fd_seek(host_descriptor(fd), offset, whence, to));
}

__wasi_errno_t __wasi_fd_tell(__wasi_fd_t fd, __wasi_filesize_t *to)
{
    return __wasi_fd_seek(fd, 0, __WASI_WHENCE_CUR, to);
}

__wasi_errno_t __wasi_fd_read(__wasi_fd_t fd, const __wasi_iovec_t *buffers, size_t count, __wasi_size_t *size)
{
    enum kind kind = kind_of(fd);
    return kind != ORDINARY ? read_device(kind, buffers, count, size)
                            : descriptor_error(host_fd_read(host_descriptor(fd), buffers, count, size));
}

__wasi_errno_t __wasi_fd_pread(__wasi_fd_t fd, const __wasi_iovec_t *buffers, size_t count, __wasi_filesize_t at,
                               __wasi_size_t *size)
{
    enum kind kind = kind_of(fd);
    return kind != ORDINARY ? read_device(kind, buffers, count, size)
                            : descriptor_error(host_fd_pread(host_descriptor(fd), buffers, count, at, size));
}

__wasi_errno_t __wasi_fd_write(__wasi_fd_t fd, const __wasi_ciovec_t *buffers, size_t count, __wasi_size_t *size)
{
    enum kind kind = kind_of(fd);
    return kind != ORDINARY ? write_device(kind, buffers, count, size)
                            : descriptor_error(host_fd_write(host_descriptor(fd), buffers, count, size));
}

__wasi_errno_t __wasi_fd_pwrite(__wasi_fd_t fd, const __wasi_ciovec_t *buffers, size_t count, __wasi_filesize_t at,
                                __wasi_size_t *size)
{
    enum kind kind = kind_of(fd);
    return kind != ORDINARY ? write_device(kind, buffers, count, size)
                            : descriptor_error(host_fd_pwrite(host_descriptor(fd), buffers, count, at, size));
}

__wasi_errno_t __wasi_fd_readdir(__wasi_fd_t fd, uint8_t *to, __wasi_size_t room, __wasi_dircookie_t cookie,
                                 __wasi_size_t *used)
{
    switch (kind_of(fd)) {
    case ORDINARY:
        return descriptor_error(host_fd_readdir(host_descriptor(fd), to, room, cookie, used));
    case ROOT_DIRECTORY:
    case DEVICES_DIRECTORY:
    case MOUNTS_DIRECTORY:
        list_directory(kind_of(fd), to, room, cookie, used);
        return 0;
    default:
        return ENOTDIR;
    }
}
