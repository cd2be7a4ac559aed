#include "modules/display.h"

#include <stdlib.h>
#include <string.h>

#include "abi/abi.h"

/* JSON texts, joined by commas. The host may read them at any time, as it may end a run at any time. */
static char *shown;
static size_t shown_size;
static size_t capacity;

void forget_shown(void)
{
    free(shown);
    shown = NULL;
    shown_size = capacity = 0;
}

EXPORT("display_ptr") const char *display_ptr(void)
{
    return shown;
}

EXPORT("display_len") size_t display_len(void)
{
    return shown_size;
}

static int reserve(size_t size)
{
    if (size <= capacity) {
        return 1;
    }
    size_t more = size < SIZE_MAX / 2 ? 2 * size : size;
    char *larger = malloc(more);
    if (larger == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    /* Not realloc(): what was shown stays readable while it is copied. */
    if (shown != NULL) {
        memcpy(larger, shown, shown_size);
    }
    char *old = shown;
    shown = larger;
    capacity = more;
    free(old);
    return 1;
}

static PyObject *show(PyObject *module, PyObject *item)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(item, &size);
    if (text == NULL || !reserve(shown_size + 1 + size)) {
        return NULL;
    }
    size_t separator = shown_size > 0;
    memcpy(shown + shown_size, ",", separator);
    memcpy(shown + shown_size + separator, text, size);
    shown_size += separator + size;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"show", show, METH_O, PyDoc_STR("show(item, /)\n--\n\nShow an item, which is JSON text.")},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_display",
    .m_methods = methods,
};

PyObject *PyInit__display(void)
{
    return PyModule_Create(&definition);
}
