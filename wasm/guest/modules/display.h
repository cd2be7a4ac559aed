/* The module `_display`: what a run has shown, where the host reads it. */

#ifndef GUEST_DISPLAY_H
#define GUEST_DISPLAY_H

#include <Python.h>

PyObject *PyInit__display(void);

/* Forgets what the last run has shown. */
void forget_shown(void);

#endif
