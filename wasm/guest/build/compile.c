/* A tool of the build, linked in place of abi/ and startup/startup.c: compiles the standard library's sources,
 * before there is a standard library. The host passes one file after the other; nothing is read from disk. */

#include <Python.h>

#include <marshal.h>
#include <stdlib.h>

#include "abi/abi.h"
#include "startup/interpreter.h"

static PyObject *code_bytes;

EXPORT("init") void init(void)
{
    start_interpreter(0);
}

EXPORT("alloc") void *alloc(size_t size)
{
    return malloc(size);
}

/* Compiles `source`, which NUL ends, as the file `name`. Returns 0, or 1 after the error has been printed. */
EXPORT("compile") int compile(char *source, char *name)
{
    Py_CLEAR(code_bytes);
    PyObject *code = Py_CompileStringExFlags(source, name, Py_file_input, NULL, 0);
    if (code != NULL) {
        code_bytes = PyMarshal_WriteObjectToString(code, Py_MARSHAL_VERSION);
        Py_DECREF(code);
    }
    free(source);
    free(name);
    if (code_bytes == NULL) {
        PyErr_Print();
    }
    return code_bytes == NULL;
}

EXPORT("result_ptr") const char *result_ptr(void)
{
    return PyBytes_AsString(code_bytes);
}

EXPORT("result_len") size_t result_len(void)
{
    return PyBytes_Size(code_bytes);
}
