/* Runs of scripts, for the start-up. */

#ifndef GUEST_RUN_H
#define GUEST_RUN_H

#include <Python.h>

/* Exports, which the start-up uses for its warm-up scripts. */
void *alloc(size_t size);
int run(char *script, size_t script_size, char *input, size_t input_size);

/* Takes from the harness the functions that runs need. */
void bind_harness(PyObject *harness);

/* Releases what the last run has left and makes what is new for the next one, if that is not done yet; 0
 * with an exception set if it fails. */
int prepare_run(void);

#endif
