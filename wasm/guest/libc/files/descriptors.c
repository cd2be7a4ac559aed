/* Duplicates and devices. For each the host has opened the scratch directory once more, so that it numbers
 * and counts them like all other descriptors; only this file knows what they are instead. */

#include "pyconfig.h"

#include "libc/files/descriptors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libc/wasi.h"

struct special {
    enum kind kind;
    int original; /* of a duplicate; always ORDINARY itself */
};

/* By descriptor. Most runs never need it. */
static struct special *specials;
static int capacity;

static struct special *find(int fd)
{
    return fd >= 0 && fd < capacity && specials[fd].kind != ORDINARY ? &specials[fd] : NULL;
}

enum kind kind_of(int fd)
{
    struct special *special = find(fd);
    return special == NULL || special->kind == DUPLICATE ? ORDINARY : special->kind;
}

int host_descriptor(int fd)
{
    struct special *special = find(fd);
    return special != NULL && special->kind == DUPLICATE ? special->original : fd;
}

/* Makes room for `fd`. */
static int reserve(int fd)
{
    if (fd < capacity) {
        return 0;
    }
    int more = fd + 16;
    struct special *grown = realloc(specials, more * sizeof *grown);
    if (grown == NULL) {
        return ENOMEM;
    }
    memset(grown + capacity, 0, (more - capacity) * sizeof *grown);
    specials = grown;
    capacity = more;
    return 0;
}

/* A new descriptor of the host's, the lowest that is free. */
static int open_placeholder(int *fd)
{
    __wasi_fd_t opened;
    int error = host_path_open(SCRATCH_DESCRIPTOR, 0, ".", 1, __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READDIR, 0, 0,
                               &opened);
    if (error != 0) {
        return linux_error(error);
    }
    *fd = opened;
    error = reserve(opened);
    if (error != 0) {
        host_fd_close(opened);
    }
    return error;
}

/* Opens a placeholder with the number `fd`, which is free. */
static int open_placeholder_at(int fd)
{
    int opened, error = open_placeholder(&opened);
    if (error != 0 || opened == fd) {
        return error;
    }
    error = open_placeholder_at(fd);
    host_fd_close(opened);
    return error;
}

int open_special(enum kind kind)
{
    int fd, error = open_placeholder(&fd);
    if (error != 0) {
        errno = error;
        return -1;
    }
    specials[fd] = (struct special){.kind = kind};
    return fd;
}

/* When a descriptor with duplicates is closed, the first of them takes its place. */
static int close_original(int fd)
{
    int heir = 0;
    while (heir < capacity && !(specials[heir].kind == DUPLICATE && specials[heir].original == fd)) {
        heir++;
    }
    if (heir >= capacity) {
        return linux_error(host_fd_close(fd));
    }
    int error = linux_error(host_fd_renumber(fd, heir));
    if (error != 0) {
        return error;
    }
    specials[heir].kind = ORDINARY;
    for (int other = heir + 1; other < capacity; other++) {
        if (specials[other].kind == DUPLICATE && specials[other].original == fd) {
            specials[other].original = heir;
        }
    }
    return 0;
}

int close_descriptor(int fd)
{
    struct special *special = find(fd);
    if (special == NULL) {
        return close_original(fd);
    }
    special->kind = ORDINARY;
    return linux_error(host_fd_close(fd));
}

static int is_open(int fd)
{
    __wasi_fdstat_t state;
    return fd >= 0 && host_fd_fdstat_get(fd, &state) == 0;
}

/* Returns the descriptor that `fd` duplicates. */
static struct special duplicate_of(int fd)
{
    struct special *special = find(fd);
    return special != NULL ? *special : (struct special){.kind = DUPLICATE, .original = fd};
}

static int fail(int error)
{
    errno = error;
    return -1;
}

int dup(int fd)
{
    if (!is_open(fd)) {
        return fail(EBADF);
    }
    int copy, error = open_placeholder(&copy);
    if (error != 0) {
        return fail(error);
    }
    specials[copy] = duplicate_of(fd);
    return copy;
}

int dup2(int fd, int copy)
{
    /* Beyond this Linux has no descriptors either. */
    enum { MAX_DESCRIPTORS = 1024 };
    if (!is_open(fd) || copy < 0 || copy >= MAX_DESCRIPTORS) {
        return fail(EBADF);
    }
    if (fd == copy) {
        return copy;
    }
    struct special special = duplicate_of(fd);
    if (special.kind == DUPLICATE && special.original == copy) {
        /* They are the same already, and either may be closed. */
        return copy;
    }
    int error = is_open(copy) ? close_descriptor(copy) : 0;
    if (error == 0) {
        error = open_placeholder_at(copy);
    }
    if (error != 0) {
        return fail(error);
    }
    specials[copy] = special;
    return copy;
}

int dup3(int fd, int copy, int flags)
{
    return fd == copy ? fail(EINVAL) : dup2(fd, copy);
}
