/* The module `_script`. */

#ifndef GUEST_SCRIPT_H
#define GUEST_SCRIPT_H

#include <Python.h>

/* Sets the source that the module returns; it is not copied. */
void set_script_source(const char *source);

PyObject *PyInit__script(void);

#endif
