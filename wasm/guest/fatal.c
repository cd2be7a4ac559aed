#include "fatal.h"

#include <Python.h>

void fatal(const char *step)
{
    fprintf(stderr, "guest: failed at %s\n", step);
    if (Py_IsInitialized() && PyErr_Occurred()) {
        PyErr_Print();
    }
    fflush(stderr);
    abort();
}
