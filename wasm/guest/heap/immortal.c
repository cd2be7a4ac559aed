/* Immortality of the start-up's objects: references to them are not counted.
 *
 * A count that goes up and down leaves a value as it was, but its page has been written to. The objects of
 * the snapshot live as long as the instance, so counting is not needed. */

#include "heap/heap.h"

#include <Python.h>

#include <internal/pycore_object.h>
#include <internal/pycore_typeobject.h>

#include "python_layout.h"

static int reach(PyObject *object, void *unused);

static void reach_if_any(PyObject *object)
{
    if (object != NULL) {
        reach(object, NULL);
    }
}

static int is_static_type(PyObject *object)
{
    return PyType_Check(object) && !PyType_HasFeature((PyTypeObject *)object, Py_TPFLAGS_HEAPTYPE);
}

/* References that CPython's own traversal leaves out. */
static void reach_hidden(PyObject *object)
{
    if (PyCode_Check(object)) {
        for (size_t i = 0; i < Py_ARRAY_LENGTH(code_references); i++) {
            reach_if_any(*(PyObject **)((char *)object + code_references[i]));
        }
    }
    if (is_static_type(object)) {
        reach_if_any(((PyTypeObject *)object)->tp_mro);
        reach_if_any(((PyTypeObject *)object)->tp_bases);
    }
}

static void reach_from(PyObject *object)
{
    traverseproc traverse = Py_TYPE(object)->tp_traverse;
    if (traverse != NULL && PyObject_IS_GC(object)) {
        traverse(object, reach, NULL);
    }
    reach_hidden(object);
}

static void make_immortal(PyObject *object)
{
    if (PyUnicode_CheckExact(object) && PyUnicode_CHECK_INTERNED(object) == SSTATE_INTERNED_MORTAL) {
        ((PyASCIIObject *)object)->state.interned = SSTATE_INTERNED_IMMORTAL;
    }
    object->ob_refcnt = _Py_IMMORTAL_REFCNT;
}

/* Objects that the collector tracks are found by its own walk. */
static int reach(PyObject *object, void *unused)
{
    int tracked = PyObject_IS_GC(object) && _PyObject_GC_IS_TRACKED(object);
    if (!tracked && !_Py_IsImmortal(object)) {
        make_immortal(object);
        reach_from(object);
    } else if (is_static_type(object)) {
        /* Immortal since it was compiled. */
        reach_hidden(object);
    }
    return 0;
}

static int visit(PyObject *object, void *unused)
{
    make_immortal(object);
    reach_from(object);
    return 1;
}

void immortalize_heap(void)
{
    PyUnstable_GC_VisitObjects(visit, NULL);
}
