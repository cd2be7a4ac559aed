/* The heap's growth, and a reserve of it for what follows a MemoryError.
 *
 * After an allocation has failed, Python still needs memory: for the objects of the traceback, for `except` and
 * `finally` of the script, and to report the exception. So a reserve is kept back until then, and again as soon
 * as there is room. */

#include "heap/heap.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define WASM_PAGE_SIZE 65536

/* Enough for a traceback, its report, and handlers that do as much. */
#define RESERVE (4 * WASM_PAGE_SIZE)

/* The end of the allocator's part of linear memory. */
static uintptr_t heap_end;

/* Withheld, the reserve lies behind `heap_end`. */
static enum { NONE, WITHHELD, BLOCK, OPEN } reserve;
static void *reserved_block;

/* The smallest number of pages that the host has denied. It has a limit, so it will deny as many again; not to
 * ask saves a call for every object for which there is no room. */
static size_t denied_pages = SIZE_MAX;

static uintptr_t memory_end(void)
{
    return __builtin_wasm_memory_size(0) * WASM_PAGE_SIZE;
}

/* Makes linear memory reach to `end`. */
static int reach(uintptr_t end)
{
    uintptr_t now = memory_end();
    if (end <= now) {
        return 1;
    }
    size_t pages = (end - now + WASM_PAGE_SIZE - 1) / WASM_PAGE_SIZE;
    if (pages >= denied_pages) {
        return 0;
    }
    if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX) {
        denied_pages = pages;
        return 0;
    }
    return 1;
}

/* The allocator's sbrk, and its only source of memory. It asks for whole pages and returns none. */
void *grow_heap(intptr_t increment)
{
    if (heap_end == 0) {
        heap_end = memory_end();
    }
    uintptr_t start = heap_end, end;
    size_t withheld = reserve == WITHHELD ? RESERVE : 0;
    if (increment < 0 || __builtin_add_overflow(start, (uintptr_t)increment, &end) || end > UINTPTR_MAX - withheld
        || (increment > 0 && !reach(end + withheld))) {
        errno = ENOMEM;
        return (void *)-1;
    }
    heap_end = end;
    return (void *)start;
}

void begin_reserve(void)
{
    reserve = WITHHELD;
}

void open_reserve(void)
{
    if (reserve == NONE) {
        return;
    }
    void *block = reserved_block;
    reserved_block = NULL;
    reserve = OPEN;
    free(block);
}

void refill_reserve(void)
{
    if (reserve != OPEN) {
        return;
    }
    if (reach(heap_end + RESERVE)) {
        reserve = WITHHELD;
        return;
    }
    /* With as much again besides: code that handles an error now may have allocated little yet. */
    void *block = malloc(2 * RESERVE);
    if (block != NULL) {
        reserved_block = realloc(block, RESERVE);
        reserve = BLOCK;
    }
}
