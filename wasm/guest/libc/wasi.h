/* The host's functions as they are (WASI preview 1): they return WASI's error numbers, and know only the host's
 * descriptors. */

#ifndef GUEST_WASI_H
#define GUEST_WASI_H

#include <stddef.h>
#include <stdint.h>
#include <wasi/api.h>

#define HOST(name, ...)                                                                                          \
    __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) int32_t host_##name(__VA_ARGS__)

HOST(fd_close, int fd);
HOST(fd_fdstat_get, int fd, __wasi_fdstat_t *to);
HOST(fd_filestat_get, int fd, __wasi_filestat_t *to);
HOST(fd_renumber, int fd, int to);
HOST(path_open, int fd, int lookup, const char *path, size_t length, int flags, __wasi_rights_t rights,
     __wasi_rights_t inheriting, int fd_flags, __wasi_fd_t *to);
HOST(random_get, uint8_t *to, size_t size);

/* Linux's number for one of WASI's. */
int linux_error(int error);

#endif
