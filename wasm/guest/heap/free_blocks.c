/* Placement of a run's new objects side by side.
 *
 * After the start-up, free blocks lie scattered over thousands of pages. So all of them are allocated here,
 * for good, and new objects go to a region that was set aside before the start-up. That costs some hundred kB
 * of linear memory. */

#include "heap/heap.h"

#include <Python.h>

#include <internal/pycore_interp.h>
#include <internal/pycore_obmalloc.h>
#include <internal/pycore_pystate.h>
#include <stdlib.h>
#include <string.h>

#include "fatal.h"
#include "python_layout.h"

/* Size in bytes of the region for the objects of a usual run, at the lowest addresses of the heap. The host
 * restores the first 32 ranges of changed pages that it finds, from low addresses to high ones, and drops the
 * rest (wasmtime's MAX_REGIONS): pages that every run changes have to come first. */
#define REGION_SIZE (320 << 10)

#define WASM_PAGE_SIZE 65536

/* The largest block that is asked for; a larger hole takes several. */
#define MAX_BLOCK (32 << 10)

static char *region;

/* Blocks that were allocated but lie in the region, a linked list: each begins with the address of the next. */
static void *blocks_in_region;

static void retire_small_block(size_t size)
{
    char *block = PyObject_Malloc(size);
    memset(block, 0, size);
    if (block >= region && block < region + REGION_SIZE) {
        *(void **)block = blocks_in_region;
        blocks_in_region = block;
    }
}

static void retire_small_blocks(void)
{
    struct _obmalloc_state *state = PyInterpreterState_Get()->obmalloc;
    while (state->mgmt.usable_arenas != NULL) {
        retire_small_block(SMALL_REQUEST_THRESHOLD);
    }
    for (unsigned class = 0; class < NB_SMALL_SIZE_CLASSES; class++) {
        poolp pools = state->pools.used[class + class];
        while (pools != pools->nextpool) {
            retire_small_block((class + 1) << ALIGNMENT_SHIFT);
            pools = state->pools.used[class + class];
        }
    }
    while (blocks_in_region != NULL) {
        void *block = blocks_in_region;
        blocks_in_region = *(void **)block;
        PyObject_Free(block);
    }
}

static void retire_large_blocks(void)
{
    /* Blocks behind it are new memory. */
    char *end = (char *)(__builtin_wasm_memory_size(0) * WASM_PAGE_SIZE);
    for (size_t size = MAX_BLOCK; size >= sizeof(void *);) {
        char *block = malloc(size);
        if (block != NULL && block + size <= end) {
            memset(block, 0, size);
            continue;
        }
        free(block);
        size = size > 2048 ? size / 2 : size - sizeof(void *);
    }
}

/* The frames of Python's functions: the next call finds none and makes a new stack for them. */
static void drop_frames(void)
{
    PyThreadState *thread = PyThreadState_Get();
    _PyStackChunk *chunk = thread->datastack_chunk;
    thread->datastack_chunk = NULL;
    thread->datastack_top = NULL;
    thread->datastack_limit = NULL;
    while (chunk != NULL) {
        _PyStackChunk *previous = chunk->previous;
        _PyObject_VirtualFree(chunk, chunk->size);
        chunk = previous;
    }
}

void reserve_region(void)
{
    region = malloc(REGION_SIZE);
    if (region == NULL) {
        fatal("reserving a region of the heap");
    }
}

void retire_free_blocks(void)
{
    drop_frames();
    retire_small_blocks();
    retire_large_blocks();
    free(region);
}

void retire_new_free_blocks(void)
{
    retire_small_blocks();
}
