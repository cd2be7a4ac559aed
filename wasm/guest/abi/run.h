/* Runs of scripts, for the start-up. */

#ifndef GUEST_RUN_H
#define GUEST_RUN_H

#include <Python.h>

/* Exports, which the start-up uses for its warm-up scripts. */
void *alloc(size_t size);
int run(char *block, size_t size);

/* Takes from the harness the functions that runs need. */
void bind_harness(PyObject *harness);

/* Remembers sys.stdout and sys.stderr as the streams that are flushed at the end of a run. */
void bind_streams(void);

/* Releases what the last run has left and makes what is new for the next one, if that is not done yet; 0
 * with an exception set if it fails. */
int prepare_run(void);

#endif
