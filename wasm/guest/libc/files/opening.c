/* Calls that open files and directories, in place of wasi-libc's: those ignore modes, take an empty path for the
 * current directory, and pass a slash at the end of a path on to the host, which rejects it. */

#include "pyconfig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "libc/files/modes.h"
#include "libc/files/paths.h"

/* wasi-libc's, which does not look at modes or the current directory. */
int __wasilibc_nocwd_openat_nomode(int fd, const char *path, int flags);

static int fail(int error)
{
    errno = error;
    return -1;
}

static int may_open(const struct stat *found, int flags)
{
    int access = flags & O_ACCMODE;
    mode_t needed = (access == O_RDONLY || access == O_RDWR ? S_IRUSR : 0)
                    | (access == O_WRONLY || access == O_RDWR ? S_IWUSR : 0);
    return (found->st_mode & needed) == needed ? 0 : fail(EACCES);
}

/* Opens a device or a directory above the scratch directory. */
static int open_outside(const struct place *place, int flags)
{
    struct stat found;
    if (place->where == OUTSIDE) {
        return flags & O_CREAT ? fail_outside(place) : fail(ENOENT);
    }
    if (stat_place(place, &found) < 0) {
        return -1;
    }
    bool directory = S_ISDIR(found.st_mode);
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        return fail(EEXIST);
    }
    if (directory && (flags & O_CREAT || (flags & O_ACCMODE) != O_RDONLY)) {
        return fail(EISDIR);
    }
    if (flags & O_DIRECTORY && !directory) {
        return fail(ENOTDIR);
    }
    return place->where == OPEN ? dup(place->original) : open_special(place->kind);
}

static int open_place(struct place *place, int flags, mode_t mode)
{
    if (place->where != SCRATCH) {
        return open_outside(place, flags);
    }
    if (may_pass(place, false) < 0) {
        return -1;
    }
    bool creating = flags & O_CREAT;
    bool writing = (flags & O_ACCMODE) != O_RDONLY;
    mode &= ~creation_mask() & 07777;
    struct stat found;
    bool exists = false;
    if (place->must_be_directory || writing || has_modes() || (creating && mode != FILE_MODE)) {
        exists = stat_place(place, &found) == 0;
        if (creating && place->must_be_directory && place->end == NAME) {
            /* Nothing but a directory could be there, and open() makes none. */
            return check_parent(place) < 0 ? -1 : fail(EISDIR);
        }
        if (!exists && (errno != ENOENT || place->must_be_directory)) {
            return -1;
        }
    }
    if (exists && creating && flags & O_EXCL) {
        return fail(EEXIST);
    }
    if (exists) {
        if (S_ISDIR(found.st_mode) && (writing || creating)) {
            return fail(EISDIR);
        }
        if (may_open(&found, flags) < 0) {
            return -1;
        }
    }
    if (creating && !exists && may_pass(place, true) < 0) {
        return -1;
    }
    if (place->must_be_directory) {
        flags |= O_DIRECTORY;
    }
    int fd = __wasilibc_nocwd_openat_nomode(place->directory, place->path, flags);
    if (fd >= 0 && creating && !exists && mode != FILE_MODE && fstat(fd, &found) == 0) {
        int error = set_mode(found.st_ino, 0, mode);
        if (error != 0) {
            close(fd);
            return fail(error);
        }
    }
    return fd;
}

static int open_path(int fd, const char *path, int flags, mode_t mode)
{
    struct place place;
    /* Linux's O_RDONLY is zero; WASI's is not, and scripts leave it out. */
    if ((flags & O_ACCMODE) == 0) {
        flags |= O_RDONLY;
    }
    return locate(fd, path, &place) < 0 ? -1 : open_place(&place, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_path(AT_FDCWD, path, flags, mode);
}

int openat(int fd, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_path(fd, path, flags, mode);
}

/* For wasi-libc's fopen. */
int __wasilibc_open_nomode(const char *path, int flags)
{
    return open_path(AT_FDCWD, path, flags, 0666);
}

DIR *opendir(const char *path)
{
    int fd = open_path(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) {
        return NULL;
    }
    DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        int error = errno;
        close(fd);
        errno = error;
    }
    return directory;
}

int truncate(const char *path, off_t size)
{
    int fd = open_path(AT_FDCWD, path, O_WRONLY, 0);
    if (fd < 0) {
        return -1;
    }
    int done = ftruncate(fd, size), error = errno;
    close(fd);
    errno = error;
    return done;
}
