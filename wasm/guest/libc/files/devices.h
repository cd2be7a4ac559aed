/* Devices, and the directories above the scratch directory. */

#ifndef GUEST_DEVICES_H
#define GUEST_DEVICES_H

#include <wasi/api.h>

#include "libc/files/descriptors.h"

int is_directory(enum kind kind);

/* As WASI's functions of like names; error numbers are Linux's. */
__wasi_filetype_t file_type(enum kind kind);
int read_device(enum kind kind, const __wasi_iovec_t *buffers, size_t count, size_t *size);
int write_device(enum kind kind, const __wasi_ciovec_t *buffers, size_t count, size_t *size);
void list_directory(enum kind kind, uint8_t *to, size_t room, __wasi_dircookie_t cookie, size_t *used);

#endif
