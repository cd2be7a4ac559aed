#include "libc/files/devices.h"

#include "pyconfig.h"

#include <errno.h>
#include <string.h>

#include "libc/wasi.h"

int is_directory(enum kind kind)
{
    return kind == ROOT_DIRECTORY || kind == DEVICES_DIRECTORY || kind == MOUNTS_DIRECTORY;
}

__wasi_filetype_t file_type(enum kind kind)
{
    return is_directory(kind) ? __WASI_FILETYPE_DIRECTORY : __WASI_FILETYPE_CHARACTER_DEVICE;
}

/* The host gives no more at once (src/sandbox/wasi/waiting.rs). */
enum { MAX_RANDOM = 1 << 16 };

static int read_random(uint8_t *to, size_t size)
{
    for (size_t part; size > 0; to += part, size -= part) {
        part = size < MAX_RANDOM ? size : MAX_RANDOM;
        int error = host_random_get(to, part);
        if (error != 0) {
            return linux_error(error);
        }
    }
    return 0;
}

int read_device(enum kind kind, const __wasi_iovec_t *buffers, size_t count, size_t *size)
{
    *size = 0;
    if (is_directory(kind)) {
        return EISDIR;
    }
    for (size_t i = 0; kind != NULL_DEVICE && i < count; i++) {
        if (kind != RANDOM_DEVICE) {
            memset(buffers[i].buf, 0, buffers[i].buf_len);
        } else {
            int error = read_random(buffers[i].buf, buffers[i].buf_len);
            if (error != 0) {
                return error;
            }
        }
        *size += buffers[i].buf_len;
    }
    return 0;
}

int write_device(enum kind kind, const __wasi_ciovec_t *buffers, size_t count, size_t *size)
{
    *size = 0;
    if (is_directory(kind)) {
        return EBADF;
    }
    for (size_t i = 0; i < count; i++) {
        *size += buffers[i].buf_len;
    }
    return kind == FULL_DEVICE && *size > 0 ? ENOSPC : 0;
}

static const char *const root_entries[] = {"dev", "mnt", "tmp", NULL};
static const char *const mount_entries[] = {"data", NULL};
static const char *const device_entries[] = {"full",  "null",   "random",  "stderr", "stdin",
                                             "stdout", "urandom", "zero", NULL};

/* Names from the number `cookie` on, as WASI lists them; what does not fit is cut off. */
void list_directory(enum kind kind, uint8_t *to, size_t room, __wasi_dircookie_t cookie, size_t *used)
{
    const char *const *names = kind == ROOT_DIRECTORY     ? root_entries
                               : kind == MOUNTS_DIRECTORY ? mount_entries
                                                          : device_entries;
    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    *used = 0;
    for (size_t i = cookie; i < count && *used < room; i++) {
        __wasi_dirent_t head = {.d_next = i + 1, .d_ino = i + 100, .d_namlen = strlen(names[i])};
        head.d_type = kind != DEVICES_DIRECTORY ? __WASI_FILETYPE_DIRECTORY : __WASI_FILETYPE_CHARACTER_DEVICE;
        const void *parts[] = {&head, names[i]};
        size_t sizes[] = {sizeof head, head.d_namlen};
        for (int part = 0; part < 2; part++) {
            size_t size = sizes[part] < room - *used ? sizes[part] : room - *used;
            memcpy(to + *used, parts[part], size);
            *used += size;
        }
    }
}
