/* Puts a run's new objects side by side.
 *
 * A fresh instance shares its memory with the snapshot until it writes; every page a run writes to
 * costs a copy now and a reset afterwards. After the start-up, free blocks lie scattered over
 * thousands of pages. So all of them are taken here, for ever, and new objects go to a stretch that
 * was set aside before the start-up. Costs some hundred kB of linear memory. */

#include "guest.h"

#include <internal/pycore_interp.h>
#include <internal/pycore_obmalloc.h>
#include <internal/pycore_pystate.h>
#include <stdlib.h>
#include <string.h>

/* Bytes for the objects of a usual run, at the lowest addresses of the heap. The host restores the
 * first 32 stretches of changed pages that it finds, from low addresses to high ones, and drops the
 * rest (wasmtime's MAX_REGIONS): what every run changes has to come first. */
#define RESERVED (320 << 10)

#define WASM_PAGE_SIZE 65536

/* The largest block that is asked for; a larger hole takes several. */
#define LARGEST_BLOCK (32 << 10)

static char *reserved;

/* Blocks that were taken, but lie in the reserved stretch: each begins with the address of the one
 * that was taken before it. */
static void *taken;

static void take_small_object(size_t size)
{
    char *block = PyObject_Malloc(size);
    memset(block, 0, size);
    if (block >= reserved && block < reserved + RESERVED) {
        *(void **)block = taken;
        taken = block;
    }
}

static void seal_small_objects(void)
{
    struct _obmalloc_state *state = PyInterpreterState_Get()->obmalloc;
    while (state->mgmt.usable_arenas != NULL) {
        take_small_object(SMALL_REQUEST_THRESHOLD);
    }
    for (unsigned class = 0; class < NB_SMALL_SIZE_CLASSES; class++) {
        poolp pools = state->pools.used[class + class];
        while (pools != pools->nextpool) {
            take_small_object((class + 1) << ALIGNMENT_SHIFT);
            pools = state->pools.used[class + class];
        }
    }
    while (taken != NULL) {
        void *block = taken;
        taken = *(void **)block;
        PyObject_Free(block);
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

void reserve_heap(void)
{
    reserved = malloc(RESERVED);
    if (reserved == NULL) {
        give_up("reserving a part of the heap");
    }
}

void seal_heap(void)
{
    drop_frames();
    seal_small_objects();
    seal_large_objects();
    free(reserved);
}

void seal_heap_again(void)
{
    seal_small_objects();
}
