/* Calls that read or change the attributes of a file, in place of wasi-libc's (see opening.c). */

#include "pyconfig.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <utime.h>
#include <wasi/libc-nocwd.h>

#include "libc/files/modes.h"
#include "libc/files/paths.h"

/* Stands for "leave it as it is". */
enum { UNCHANGED = -1 };

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

int fstatat(int fd, const char *restrict path, struct stat *restrict to, int flags)
{
    struct place place;
    return locate(fd, path, &place) < 0 ? -1 : stat_place(&place, to);
}

int stat(const char *restrict path, struct stat *restrict to)
{
    return fstatat(AT_FDCWD, path, to, 0);
}

int lstat(const char *restrict path, struct stat *restrict to)
{
    return fstatat(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW);
}

int faccessat(int fd, const char *path, int mode, int flags)
{
    struct stat found;
    if (fstatat(fd, path, &found, 0) < 0) {
        return -1;
    }
    int shift = found.st_uid == USER ? 6 : 0;
    int needed = (mode & R_OK ? S_IROTH : 0) | (mode & W_OK ? S_IWOTH : 0) | (mode & X_OK ? S_IXOTH : 0);
    return (found.st_mode >> shift & needed) == needed ? 0 : fail(EACCES);
}

int access(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, 0);
}

/* There are no links to read. */
ssize_t readlinkat(int fd, const char *restrict path, char *restrict to, size_t size)
{
    struct stat found;
    return fstatat(fd, path, &found, AT_SYMLINK_NOFOLLOW) < 0 ? -1 : fail(EINVAL);
}

ssize_t readlink(const char *restrict path, char *restrict to, size_t size)
{
    return readlinkat(AT_FDCWD, path, to, size);
}

int utimensat(int fd, const char *path, const struct timespec times[2], int flags)
{
    struct place place;
    struct stat found;
    if (locate(fd, path, &place) < 0 || stat_place(&place, &found) < 0) {
        return -1;
    }
    return place.where != SCRATCH ? fail(EPERM)
                                  : __wasilibc_nocwd_utimensat(place.directory, place.path, times, flags);
}

int utimes(const char *path, const struct timeval times[2])
{
    struct timespec precise[2];
    for (int i = 0; times != NULL && i < 2; i++) {
        precise[i] = (struct timespec){.tv_sec = times[i].tv_sec, .tv_nsec = times[i].tv_usec * 1000};
    }
    return utimensat(AT_FDCWD, path, times == NULL ? NULL : precise, 0);
}

int utime(const char *path, const struct utimbuf *times)
{
    struct timespec precise[2] = {{.tv_sec = times == NULL ? 0 : times->actime},
                                  {.tv_sec = times == NULL ? 0 : times->modtime}};
    return utimensat(AT_FDCWD, path, times == NULL ? NULL : precise, 0);
}

static int change_mode(const struct stat *found, mode_t mode)
{
    return found->st_uid != USER || S_ISCHR(found->st_mode) || S_ISFIFO(found->st_mode)
               ? fail(EPERM)
               : result(set_mode(found->st_ino, S_ISDIR(found->st_mode), mode & 07777));
}

int fchmodat(int fd, const char *path, mode_t mode, int flags)
{
    struct stat found;
    return fstatat(fd, path, &found, 0) < 0 ? -1 : change_mode(&found, mode);
}

int chmod(const char *path, mode_t mode)
{
    return fchmodat(AT_FDCWD, path, mode, 0);
}

int fchmod(int fd, mode_t mode)
{
    struct stat found;
    return fstat(fd, &found) < 0 ? -1 : change_mode(&found, mode);
}

/* There is no other user. */
static int change_owner(const struct stat *found, uid_t user, gid_t group)
{
    bool kept = (user == (uid_t)UNCHANGED || user == USER) && (group == (gid_t)UNCHANGED || group == USER);
    return kept && found->st_uid == USER ? 0 : fail(EPERM);
}

int fchownat(int fd, const char *path, uid_t user, gid_t group, int flags)
{
    struct stat found;
    return fstatat(fd, path, &found, 0) < 0 ? -1 : change_owner(&found, user, group);
}

int chown(const char *path, uid_t user, gid_t group)
{
    return fchownat(AT_FDCWD, path, user, group, 0);
}

int lchown(const char *path, uid_t user, gid_t group)
{
    return fchownat(AT_FDCWD, path, user, group, AT_SYMLINK_NOFOLLOW);
}

int fchown(int fd, uid_t user, gid_t group)
{
    struct stat found;
    return fstat(fd, &found) < 0 ? -1 : change_owner(&found, user, group);
}
