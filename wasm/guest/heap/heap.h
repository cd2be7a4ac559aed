/* The heap: its growth, and its state at the snapshot.
 *
 * A fresh instance shares its memory with the snapshot until it writes. Each page that a run writes to costs a
 * copy then and a reset afterwards, so a run's new objects must lie side by side, and objects of the start-up
 * must not be written to. */

#ifndef GUEST_HEAP_H
#define GUEST_HEAP_H

/* growth.c: a reserve of memory for what follows a MemoryError. `begin_reserve`, after the start-up, keeps it
 * back; `open_reserve` gives it to the allocator, which has failed; `refill_reserve` keeps it back again if
 * there is room. */
void begin_reserve(void);
void open_reserve(void);
void refill_reserve(void);

/* free_blocks.c: `reserve_region`, before anything is allocated, sets the region aside for the objects of runs.
 * `retire_free_blocks` allocates all other free blocks for good, so that new objects go to that region, and
 * opens it; `retire_new_free_blocks` does so with small blocks that were freed since. */
void reserve_region(void);
void retire_free_blocks(void);
void retire_new_free_blocks(void);

/* immortal.c: stops counting references to the objects there are. */
void immortalize_heap(void);

#endif
