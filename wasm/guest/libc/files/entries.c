/* Calls that make, remove and rename files, in place of wasi-libc's (see opening.c). */

#include "pyconfig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

#include "libc/files/modes.h"
#include "libc/files/paths.h"

static int fail(int error)
{
    errno = error;
    return -1;
}

/* An error number of the host's, as a result. */
static int result(int error)
{
    return error == 0 ? 0 : fail(error);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
    struct place place;
    struct stat found;
    if (locate(fd, path, &place) < 0) {
        return -1;
    }
    if (place.where == SPECIAL || place.where == OPEN || place.end != NAME) {
        return stat_place(&place, &found) == 0 ? fail(EEXIST) : -1;
    }
    if (place.where == OUTSIDE) {
        return fail_outside(&place);
    }
    if (may_pass(&place, true) < 0) {
        return -1;
    }
    int error = __wasi_path_create_directory(place.directory, place.path);
    mode &= ~creation_mask() & (0777 | S_ISVTX);
    if (error == 0 && mode != DIRECTORY_MODE && stat_place(&place, &found) == 0) {
        error = set_mode(found.st_ino, 1, mode);
    }
    return result(error);
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

static bool is_scratch(const struct place *place)
{
    return place->where == SCRATCH && strcmp(place->path, ".") == 0;
}

/* The inode of what is at a place, when its mode has to be forgotten; 0 otherwise. */
static ino_t inode_with_mode(const struct place *place)
{
    struct stat found;
    return has_modes() && stat_place(place, &found) == 0 ? found.st_ino : 0;
}

static int remove_directory(int fd, const char *path)
{
    struct place place;
    struct stat found;
    if (locate(fd, path, &place) < 0 || stat_place(&place, &found) < 0) {
        return -1;
    }
    if (!S_ISDIR(found.st_mode)) {
        return fail(ENOTDIR);
    }
    if (place.where != SCRATCH) {
        return fail(EBUSY);
    }
    if (place.end != NAME) {
        return fail(place.end == DOT ? EINVAL : ENOTEMPTY);
    }
    if (is_scratch(&place)) {
        return fail(EBUSY);
    }
    if (may_pass(&place, true) < 0) {
        return -1;
    }
    int error = __wasi_path_remove_directory(place.directory, place.path);
    if (error == 0) {
        forget_mode(found.st_ino);
    }
    return result(error);
}

static int remove_file(int fd, const char *path)
{
    struct place place;
    struct stat found;
    if (locate(fd, path, &place) < 0) {
        return -1;
    }
    if (place.where != SCRATCH || place.must_be_directory || strcmp(place.path, ".") == 0) {
        return stat_place(&place, &found) < 0 ? -1 : fail(S_ISDIR(found.st_mode) ? EISDIR : EACCES);
    }
    if (may_pass(&place, true) < 0) {
        return -1;
    }
    ino_t inode = inode_with_mode(&place);
    int error = __wasi_path_unlink_file(place.directory, place.path);
    if (error == 0) {
        forget_mode(inode);
    }
    return result(error);
}

int unlinkat(int fd, const char *path, int flags)
{
    return flags & AT_REMOVEDIR ? remove_directory(fd, path) : remove_file(fd, path);
}

int unlink(const char *path)
{
    return remove_file(AT_FDCWD, path);
}

int rmdir(const char *path)
{
    return remove_directory(AT_FDCWD, path);
}

int remove(const char *path)
{
    int removed = unlink(path);
    return removed < 0 && errno == EISDIR ? rmdir(path) : removed;
}

/* Returns whether a place has no name that could be removed. */
static bool is_fixed(const struct place *place)
{
    return place->end != NAME || is_scratch(place);
}

int renameat(int fd, const char *path, int new_fd, const char *new_path)
{
    struct place from, to;
    struct stat source;
    if (locate(fd, path, &from) < 0 || locate(new_fd, new_path, &to) < 0) {
        return -1;
    }
    if (is_fixed(&from) || is_fixed(&to)) {
        const struct place *fixed = is_fixed(&from) ? &from : &to;
        return stat_place(fixed, &source) < 0 ? -1 : fail(EBUSY);
    }
    if (from.where == OUTSIDE) {
        return fail(ENOENT);
    }
    if (stat_place(&from, &source) < 0) {
        return -1;
    }
    if (from.where != SCRATCH || to.where != SCRATCH) {
        return from.where == SCRATCH ? fail_outside(&to) : fail(EACCES);
    }
    if (to.must_be_directory && !S_ISDIR(source.st_mode)) {
        return fail(ENOTDIR);
    }
    if (may_pass(&from, true) < 0 || may_pass(&to, true) < 0) {
        return -1;
    }
    ino_t replaced = inode_with_mode(&to);
    int error = __wasi_path_rename(from.directory, from.path, to.directory, to.path);
    if (error == 0 && replaced != source.st_ino) {
        forget_mode(replaced);
    }
    return result(error);
}

int rename(const char *path, const char *new_path)
{
    return renameat(AT_FDCWD, path, AT_FDCWD, new_path);
}

/* Checks whether a name could be made at a place; the host makes neither links nor special files. */
static int check_new(int fd, const char *path, struct place *place)
{
    struct stat found;
    if (locate(fd, path, place) < 0) {
        return -1;
    }
    if (stat_place(place, &found) == 0) {
        return fail(EEXIST);
    }
    if (errno != ENOENT) {
        return -1;
    }
    return place->where == SCRATCH ? may_pass(place, true) : fail_outside(place);
}

int linkat(int fd, const char *path, int new_fd, const char *new_path, int flags)
{
    struct place from, to;
    struct stat found;
    if (locate(fd, path, &from) < 0 || stat_place(&from, &found) < 0 || check_new(new_fd, new_path, &to) < 0) {
        return -1;
    }
    return from.where != SCRATCH ? fail(EPERM)
                                 : result(__wasi_path_link(from.directory, 0, from.path, to.directory, to.path));
}

int link(const char *path, const char *new_path)
{
    return linkat(AT_FDCWD, path, AT_FDCWD, new_path, 0);
}

int symlinkat(const char *target, int fd, const char *path)
{
    struct place place;
    if (*target == 0) {
        return fail(ENOENT);
    }
    return check_new(fd, path, &place) < 0 ? -1 : result(__wasi_path_symlink(target, place.directory, place.path));
}

int symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}

int mknodat(int fd, const char *path, mode_t mode, dev_t device)
{
    struct place place;
    return check_new(fd, path, &place) < 0 ? -1 : fail(EPERM);
}

int mknod(const char *path, mode_t mode, dev_t device)
{
    return mknodat(AT_FDCWD, path, mode, device);
}

int mkfifoat(int fd, const char *path, mode_t mode)
{
    return mknodat(fd, path, mode, 0);
}

int mkfifo(const char *path, mode_t mode)
{
    return mkfifoat(AT_FDCWD, path, mode);
}
