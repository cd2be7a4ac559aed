/* The module `_script`: the source of the script, for tracebacks and `inspect`. */

#include "modules/script.h"

static const char *script_source = "";

void set_script_source(const char *source)
{
    script_source = source;
}

static PyObject *source(PyObject *module, PyObject *unused)
{
    return PyUnicode_FromString(script_source);
}

static PyMethodDef methods[] = {
    {"source", source, METH_NOARGS, PyDoc_STR("source()\n--\n\nThe script's source text.")},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_script",
    .m_methods = methods,
};

PyObject *PyInit__script(void)
{
    return PyModule_Create(&definition);
}
