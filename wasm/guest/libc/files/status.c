/* stat() of a path or a descriptor, and the permissions of modes. */

#include "pyconfig.h"

#include <errno.h>
#include <string.h>
#include <wasi/api.h>

#include "libc/files/devices.h"
#include "libc/files/modes.h"
#include "libc/files/paths.h"

/* Python's buffers get this size; Linux's 4096 would make twice as many calls of the host. */
enum { BLOCK_SIZE = 8192 };

static int fail(int error)
{
    errno = error;
    return -1;
}

int fail_outside(const struct place *place)
{
    return fail(place->where == OUTSIDE && !place->parent_exists ? ENOENT : EACCES);
}

static struct timespec time_of(__wasi_timestamp_t at)
{
    return (struct timespec){.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
}

static void translate(const __wasi_filestat_t *from, enum kind kind, struct stat *to)
{
    *to = (struct stat){
        .st_dev = from->dev,
        .st_ino = from->ino,
        .st_nlink = from->nlink,
        .st_uid = kind == ORDINARY ? USER : 0,
        .st_gid = kind == ORDINARY ? USER : 0,
        .st_size = from->size,
        .st_blksize = BLOCK_SIZE,
        .st_blocks = (from->size + 511) / 512,
        .st_atim = time_of(from->atim),
        .st_mtim = time_of(from->mtim),
        .st_ctim = time_of(from->ctim),
    };
    switch (from->filetype) {
    case __WASI_FILETYPE_DIRECTORY:
        to->st_mode = S_IFDIR | (kind == ORDINARY ? mode_of(from->ino, 1) : DIRECTORY_MODE);
        break;
    case __WASI_FILETYPE_REGULAR_FILE:
        to->st_mode = S_IFREG | mode_of(from->ino, 0);
        break;
    case __WASI_FILETYPE_SYMBOLIC_LINK:
        to->st_mode = S_IFLNK | 0777;
        break;
    case __WASI_FILETYPE_CHARACTER_DEVICE:
        to->st_mode = S_IFCHR | (kind == ORDINARY ? 0620 : 0666);
        break;
    default:
        /* A standard stream, which leads to another process. */
        to->st_mode = S_IFIFO | 0600;
    }
}

int fstat(int fd, struct stat *to)
{
    __wasi_filestat_t found;
    int error = __wasi_fd_filestat_get(fd, &found);
    if (error != 0) {
        return fail(error);
    }
    translate(&found, kind_of(fd), to);
    return 0;
}

static int stat_special(enum kind kind, struct stat *to)
{
    __wasi_filestat_t found = {.dev = 1, .ino = kind, .nlink = 1};
    found.filetype = file_type(kind);
    translate(&found, kind, to);
    return 0;
}

int stat_place(const struct place *place, struct stat *to)
{
    int result;
    __wasi_filestat_t found;
    switch (place->where) {
    case SCRATCH:
        if (may_pass(place, false) < 0) {
            return -1;
        }
        result = __wasi_path_filestat_get(place->directory, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, place->path, &found);
        if (result != 0) {
            return fail(result);
        }
        translate(&found, ORDINARY, to);
        break;
    case SPECIAL:
        result = stat_special(place->kind, to);
        break;
    case OPEN:
        result = fstat(place->original, to);
        if (result < 0) {
            return fail(ENOENT);
        }
        break;
    default:
        return fail(ENOENT);
    }
    if (place->must_be_directory && !S_ISDIR(to->st_mode)) {
        return fail(ENOTDIR);
    }
    return 0;
}

int may_pass(const struct place *place, bool change)
{
    if (place->where != SCRATCH || !has_denying_modes()) {
        return 0;
    }
    char path[PATH_MAX];
    const char *slash = place->path - 1;
    do {
        /* The directory before the next name: at first the one that the path starts from. */
        size_t size = slash < place->path ? 1 : (size_t)(slash - place->path);
        memcpy(path, slash < place->path ? "." : place->path, size);
        path[size] = 0;
        slash = strchr(slash + 1, '/');
        __wasi_filestat_t found;
        if (__wasi_path_filestat_get(place->directory, 0, path, &found) != 0) {
            return 0;
        }
        mode_t needed = S_IXUSR | (change && slash == NULL ? S_IWUSR : 0);
        if (found.filetype == __WASI_FILETYPE_DIRECTORY && (mode_of(found.ino, 1) & needed) != needed) {
            return fail(EACCES);
        }
    } while (slash != NULL);
    return 0;
}

int check_parent(const struct place *place)
{
    char path[PATH_MAX];
    const char *slash = strrchr(place->path, '/');
    size_t size = slash == NULL ? 0 : slash - place->path;
    memcpy(path, place->path, size);
    path[size] = 0;
    __wasi_filestat_t found;
    int error = __wasi_path_filestat_get(place->directory, 0, size == 0 ? "." : path, &found);
    if (error == 0 && found.filetype != __WASI_FILETYPE_DIRECTORY) {
        error = ENOTDIR;
    }
    return error == 0 ? 0 : fail(error);
}
