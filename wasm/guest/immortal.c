/* Makes what the start-up has made immortal, so that nothing counts references to it.
 *
 * A count that goes up and down leaves a value as it was, but its page has been written to, and
 * every page a run writes to costs a copy now and a reset afterwards. The objects of the snapshot
 * live as long as the instance, so nobody needs to count. */

#include "guest.h"

#include <internal/pycore_object.h>
#include <internal/pycore_typeobject.h>

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

/* What CPython's own traversal leaves out. */
static void reach_hidden(PyObject *object)
{
    if (PyCode_Check(object)) {
        for (size_t i = 0; i < Py_ARRAY_LENGTH(code_parts); i++) {
            reach_if_any(*(PyObject **)((char *)object + code_parts[i]));
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

/* Whatever the collector tracks is found by its own walk. */
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
