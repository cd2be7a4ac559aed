/* The bytes of the archive: the module's first data segment. */

#ifndef GUEST_ARCHIVE_DATA_H
#define GUEST_ARCHIVE_DATA_H

#include <stdint.h>

/* Copies `size` bytes at `from` in the archive to `to`. */
static inline void archive_copy(void *to, uint32_t from, uint32_t size)
{
    __asm__ volatile("local.get %0\n"
                     "local.get %1\n"
                     "local.get %2\n"
                     "memory.init 0, 0\n"
                     :
                     : "r"(to), "r"(from), "r"(size)
                     : "memory");
}

#endif
