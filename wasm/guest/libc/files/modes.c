#include "pyconfig.h"

#include "libc/files/modes.h"

#include <errno.h>
#include <stdlib.h>

struct kept {
    ino_t inode;
    mode_t mode;
    int denies;
};

/* One for each file with a mode of its own; the host bounds the number of files. */
static struct kept *kept;
static size_t count, capacity, denying;

static mode_t mask = 022;

mode_t umask(mode_t new)
{
    mode_t previous = mask;
    mask = new & 0777;
    return previous;
}

mode_t creation_mask(void)
{
    return mask;
}

int has_modes(void)
{
    return count > 0;
}

int has_denying_modes(void)
{
    return denying > 0;
}

static struct kept *find(ino_t inode)
{
    for (size_t i = 0; i < count; i++) {
        if (kept[i].inode == inode) {
            return &kept[i];
        }
    }
    return NULL;
}

mode_t mode_of(ino_t inode, int is_directory)
{
    struct kept *entry = find(inode);
    return entry != NULL ? entry->mode : is_directory ? DIRECTORY_MODE : FILE_MODE;
}

int set_mode(ino_t inode, int is_directory, mode_t mode)
{
    forget_mode(inode);
    if (mode == (is_directory ? DIRECTORY_MODE : FILE_MODE)) {
        return 0;
    }
    if (count == capacity) {
        size_t more = 2 * capacity + 16;
        struct kept *grown = realloc(kept, more * sizeof *grown);
        if (grown == NULL) {
            return ENOMEM;
        }
        kept = grown;
        capacity = more;
    }
    mode_t needed = is_directory ? S_IRWXU : S_IRUSR | S_IWUSR;
    kept[count] = (struct kept){.inode = inode, .mode = mode, .denies = (mode & needed) != needed};
    denying += kept[count++].denies;
    return 0;
}

void forget_mode(ino_t inode)
{
    struct kept *entry = find(inode);
    if (entry != NULL) {
        denying -= entry->denies;
        *entry = kept[--count];
    }
}
