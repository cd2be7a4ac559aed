/* CPython's version, and the layouts of its objects that the guest relies on.
 *
 * `heap/` and `build/freeze.c` read and write CPython's objects as they lie in memory. A version of CPython
 * that lays them out differently must not compile before those files have been adapted. */

#ifndef GUEST_PYTHON_LAYOUT_H
#define GUEST_PYTHON_LAYOUT_H

#include <Python.h>

#include <stdbool.h>

#include <internal/pycore_code.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_object.h>
#include <internal/pycore_obmalloc.h>

_Static_assert(PY_VERSION_HEX >> 16 == 0x030d, "another version of CPython: check everything in this file");

/* Addresses and sizes are kept in 32 bits. */
_Static_assert(sizeof(void *) == 4 && sizeof(Py_ssize_t) == 4, "wasm32");

/* Offsets of the references in a code object; CPython's traversal leaves code objects out. The other
 * pointers of one are NULL until it has run. */
static const size_t code_references[] = {
    offsetof(PyCodeObject, co_consts), offsetof(PyCodeObject, co_names),
    offsetof(PyCodeObject, co_exceptiontable), offsetof(PyCodeObject, co_localsplusnames),
    offsetof(PyCodeObject, co_localspluskinds), offsetof(PyCodeObject, co_filename),
    offsetof(PyCodeObject, co_name), offsetof(PyCodeObject, co_qualname), offsetof(PyCodeObject, co_linetable),
};
_Static_assert(sizeof(PyCodeObject) == 128 && offsetof(PyCodeObject, co_code_adaptive) == 124,
               "a code object has other members: look for references among them");

/* Immortal objects, and interned strings. */
_Static_assert(sizeof(PyObject) == 8, "an object begins with its count of references and its type");
_Static_assert(_Py_IMMORTAL_REFCNT == UINT_MAX >> 2, "the count of immortal objects");
_Static_assert(SSTATE_NOT_INTERNED == 0 && SSTATE_INTERNED_MORTAL == 1 && SSTATE_INTERNED_IMMORTAL == 2
                   && SSTATE_INTERNED_IMMORTAL_STATIC == 3,
               "the states of interned strings");

/* Constants that are copied as they are. */
_Static_assert(sizeof(PyASCIIObject) == 20 && offsetof(PyASCIIObject, hash) == 12, "ASCII strings");
_Static_assert(sizeof(PyCompactUnicodeObject) == 28 && offsetof(PyCompactUnicodeObject, utf8) == 24,
               "strings with a cached UTF-8 form");
_Static_assert(sizeof(setentry) == 8 && offsetof(setentry, key) == 0, "entries of a set");
_Static_assert(sizeof(PySetObject) == 100 && offsetof(PySetObject, smalltable) == 32, "sets");
_Static_assert(offsetof(PyLongObject, long_value.ob_digit) == 12 && sizeof(digit) == 4, "integers");
_Static_assert(offsetof(PyTupleObject, ob_item) == 12, "tuples");
_Static_assert(sizeof(PyGC_Head) == 8, "the head of an object that the collector knows");

/* CPython's allocator, and the stack of Python's frames. */
_Static_assert(ALIGNMENT == 8 && SMALL_REQUEST_THRESHOLD == 512 && NB_SMALL_SIZE_CLASSES == 64,
               "the size classes of small objects");
_Static_assert(sizeof((struct _obmalloc_state){0}.pools.used) == 2 * 4 * 8 * ((NB_SMALL_SIZE_CLASSES + 7) / 8),
               "each size class has two pointers of a list's head");
_Static_assert(offsetof(_PyStackChunk, data) == 12, "chunks of the stack of frames");

#endif
