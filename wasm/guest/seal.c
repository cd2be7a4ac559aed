/* Puts a run's new objects side by side.
 *
 * A fresh instance shares its memory with the snapshot until it writes; every page a run writes to
 * costs a copy now and a reset afterwards. After the start-up, free blocks lie scattered over
 * thousands of pages. So all of them are taken here, for ever, and new objects go to a stretch that
 * was set aside before the start-up. Costs some hundred kB of linear memory. */

#include "guest.h"

#include <internal/pycore_interp.h>
#include <internal/pycore_obmalloc.h>
#include <stdlib.h>
#include <string.h>

/* Bytes for the objects of a usual run, at the lowest addresses of the heap. The host restores the
 * first 32 stretches of changed pages that it finds, from low addresses to high ones, and drops the
 * rest (wasmtime's MAX_REGIONS): what every run changes has to come first. */
#define RESERVED (384 << 10)

#define WASM_PAGE_SIZE 65536

/* The largest block that is asked for; a larger hole takes several. */
#define LARGEST_BLOCK (32 << 10)

static void seal_small_objects(void)
{
    struct _obmalloc_state *state = PyInterpreterState_Get()->obmalloc;
    while (state->mgmt.usable_arenas != NULL) {
        memset(PyObject_Malloc(SMALL_REQUEST_THRESHOLD), 0, SMALL_REQUEST_THRESHOLD);
    }
    for (unsigned class = 0; class < NB_SMALL_SIZE_CLASSES; class++) {
        poolp pools = state->pools.used[class + class];
        size_t size = (class + 1) << ALIGNMENT_SHIFT;
        while (pools != pools->nextpool) {
            memset(PyObject_Malloc(size), 0, size);
            pools = state->pools.used[class + class];
        }
    }
}

static void seal_large_objects(void)
{
    /* What lies behind it is new. */
    char *end = (char *)(__builtin_wasm_memory_size(0) * WASM_PAGE_SIZE);
    for (size_t size = LARGEST_BLOCK; size >= sizeof(void *);) {
        char *block = malloc(size);
        if (block != NULL && block + size <= end) {
            memset(block, 0, size);
            continue;
        }
        free(block);
        size = size > 2048 ? size / 2 : size - sizeof(void *);
    }
}

static void *reserved;

void reserve_heap(void)
{
    reserved = malloc(RESERVED);
    if (reserved == NULL) {
        give_up("reserving a part of the heap");
    }
}

void seal_heap(void)
{
    seal_small_objects();
    seal_large_objects();
    free(reserved);
}
