/* Frozen code: code objects in the archive as they will lie in memory.
 *
 * To read a module's marshalled code makes one object after the other and looks up every name. At
 * build time, when the snapshot exists, `freeze` (build/freeze.c) does that for each module that the snapshot
 * has not imported, and lays the objects out one behind the other. `thaw` copies that block into the heap
 * and adds its address to the pointers within. Pointers to the names of the start-up and to static
 * objects (small numbers, types) are right as they are.
 *
 * Thawed objects are immortal, and each module is thawed once. In the archive:
 *
 *     struct frozen
 *     for each name that has to be interned: its offset from the start of the objects
 *     for each code object: its offset
 *     for each pointer: its distance from the one before, in words; seven bits to a byte, the lowest first,
 *         and the eighth bit says that more follow
 *     the objects
 *
 * A pointer is encoded as `2 * number of a name + 1`, or as the (even) offset from the pointer to its object. */

#ifndef GUEST_THAW_H
#define GUEST_THAW_H

#include <Python.h>

/* No marshalled code begins like this. */
#define FROZEN_MAGIC 0x6e7a7266

struct frozen {
    uint32_t magic;
    uint32_t module;   /* offset of the module's code object */
    uint32_t names;    /* their number */
    uint32_t codes;    /* their number */
    uint32_t pointers; /* bytes of their table */
    uint32_t size;     /* bytes of the objects */
};

/* Returns whether the data at `from` in the archive is frozen code. */
int is_frozen(uint32_t from);

/* Returns the code object of the archive's file with the number `file`, whose data is at `from`. */
PyObject *thaw(uint32_t file, uint32_t from);

#endif
