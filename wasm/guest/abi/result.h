/* The text that goes with the status of a run. */

#ifndef GUEST_RESULT_H
#define GUEST_RESULT_H

#include <Python.h>

/* Takes the text, a str, from the caller; 0 if it is none or cannot be read. */
int set_result(PyObject *text);

/* Takes a copy of the text, at most 255 bytes of it. Needs no memory. */
void set_fallback_result(const char *text);

void release_result(void);

#endif
