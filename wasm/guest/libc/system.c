/* The machine and the process as Linux reports them: one processor, one process, one user, and the run's limits
 * in place of a machine's. */

#include "pyconfig.h"

#include "libc/system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "libc/files/paths.h"

enum { TICKS_PER_SECOND = 100, PARENT = 1 };

static int fail(int error)
{
    errno = error;
    return -1;
}

/* For wasi-libc's sysconf: memory in pages. */
long sandbox_pages(int available)
{
    int64_t limit = host_limit(MEMORY_BYTES), page = getpagesize();
    int64_t used = available ? (int64_t)__builtin_wasm_memory_size(0) * 65536 : 0;
    return (limit > used ? limit - used : 0) / page;
}

/* For wasi-libc's sysconf: the limit of open files. */
long sandbox_open_files(void)
{
    return host_limit(OPEN_FILES);
}

clock_t times(struct tms *to)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *to = (struct tms){.tms_utime = clock() / (CLOCKS_PER_SEC / TICKS_PER_SECOND)};
    return now.tv_sec * TICKS_PER_SECOND + now.tv_nsec / (1000000000 / TICKS_PER_SECOND);
}

static void fill(struct statvfs *to)
{
    enum { BLOCK = 4096 };
    int64_t bytes = host_limit(DISK_BYTES), used = host_limit(DISK_BYTES_USED);
    int64_t entries = host_limit(DISK_ENTRIES), entries_used = host_limit(DISK_ENTRIES_USED);
    int64_t free_blocks = bytes / BLOCK - (used + BLOCK - 1) / BLOCK;
    int64_t free_entries = entries > entries_used ? entries - entries_used : 0;
    *to = (struct statvfs){
        .f_bsize = BLOCK,
        .f_frsize = BLOCK,
        .f_blocks = bytes / BLOCK,
        .f_bfree = free_blocks > 0 ? free_blocks : 0,
        .f_files = entries,
        .f_ffree = free_entries,
        .f_favail = free_entries,
        .f_namemax = 255,
    };
    to->f_bavail = to->f_bfree;
}

int statvfs(const char *restrict path, struct statvfs *restrict to)
{
    struct place place;
    struct stat found;
    if (locate(AT_FDCWD, path, &place) < 0 || stat_place(&place, &found) < 0) {
        return -1;
    }
    fill(to);
    return 0;
}

int fstatvfs(int fd, struct statvfs *to)
{
    struct stat found;
    if (fstat(fd, &found) < 0) {
        return -1;
    }
    fill(to);
    return 0;
}

void sync(void)
{
}

pid_t getppid(void)
{
    return PARENT;
}

pid_t getpgrp(void)
{
    return getpid();
}

pid_t getpgid(pid_t process)
{
    return process == 0 || process == getpid() ? getpid() : fail(ESRCH);
}

pid_t getsid(pid_t process)
{
    return getpgid(process);
}

int kill(pid_t process, int signal)
{
    if (signal < 0 || signal >= _NSIG) {
        return fail(EINVAL);
    }
    if (process != 0 && process != -1 && process != getpid() && process != -getpid()) {
        return fail(process == PARENT ? EPERM : ESRCH);
    }
    return signal == 0 ? 0 : raise(signal);
}

int killpg(pid_t group, int signal)
{
    return group == 0 || group == getpid() ? kill(0, signal) : fail(ESRCH);
}

int getloadavg(double to[], int count)
{
    for (int i = 0; i < count && i < 3; i++) {
        to[i] = 0;
    }
    return count < 3 ? count : 3;
}

int getgroups(int room, gid_t to[])
{
    if (room > 0) {
        to[0] = USER;
    }
    return room < 0 ? fail(EINVAL) : 1;
}

int getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    *real = *effective = *saved = USER;
    return 0;
}

int getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
    return getresuid(real, effective, saved);
}

/* A user may become itself. */
static int become(unsigned user)
{
    return user == USER || user == (unsigned)-1 ? 0 : fail(EPERM);
}

int setuid(uid_t user)
{
    return become(user);
}

int seteuid(uid_t user)
{
    return become(user);
}

int setgid(gid_t group)
{
    return become(group);
}

int setegid(gid_t group)
{
    return become(group);
}

int setreuid(uid_t real, uid_t effective)
{
    return become(real) < 0 ? -1 : become(effective);
}

int setregid(gid_t real, gid_t effective)
{
    return setreuid(real, effective);
}

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    return setreuid(real, effective) < 0 ? -1 : become(saved);
}

int setresgid(gid_t real, gid_t effective, gid_t saved)
{
    return setresuid(real, effective, saved);
}

/* The niceness that a process starts with; whoever is alone gains nothing from more. */
int nice(int by)
{
    static int niceness;
    if (by < 0) {
        return fail(EPERM);
    }
    niceness = niceness + by > 19 ? 19 : niceness + by;
    return niceness;
}
