/* Resolution of paths. */

#ifndef GUEST_PATHS_H
#define GUEST_PATHS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "libc/files/descriptors.h"

/* The only user. Not root: for root, libraries try to change the owners of files. */
enum { USER = 1000 };

struct place {
    enum {
        SCRATCH,  /* in the scratch directory: `path`, seen from the host's descriptor `directory` */
        SPECIAL,  /* a device, or a directory above the scratch directory: `kind` */
        OPEN,     /* what the descriptor `original` is */
        OUTSIDE,  /* nothing, and nothing can be made there */
    } where;
    int directory;
    enum kind kind;
    int original;
    bool parent_exists;  /* OUTSIDE */
    bool must_be_directory; /* the path ends with a slash, or as follows */
    enum { NAME, DOT, DOT_DOT } end;
    char path[PATH_MAX]; /* without slashes at its end */
};

/* Finds where `path` leads, seen from the directory `fd`; -1 with errno if it leads nowhere. */
int locate(int fd, const char *path, struct place *place);

/* Returns the kind of entry that is there, or -1 with errno if there is none. */
int stat_place(const struct place *place, struct stat *to);

/* Checks whether the modes of the directories on the way to a place allow to look it up or, with `change`, to
 * make or remove a name there; -1 with errno if not. */
int may_pass(const struct place *place, bool change);

/* Checks whether the directory that a name in the scratch directory would be in is there; -1 with errno if not. */
int check_parent(const struct place *place);

/* Sets errno to why nothing can be made or removed at a place outside of the scratch directory; -1. */
int fail_outside(const struct place *place);

#endif
